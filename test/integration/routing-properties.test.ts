/**
 * Random people, rules and events through the real router, scheduler and senders, with real Postgres and Redis and a
 * clock that jumps over two simulated days, judged by a checker that shares nothing with them.
 *
 * Prints its seed; `SEED=…` brings a run back.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { check } from '../routing/checker/check.ts'
import { createChoices } from '../routing/random-choices.ts'
import { nightsOfChange } from '../routing/nights-of-change.ts'
import { simulate } from '../routing/simulated-run.ts'
import { createTestDatabase } from '../support/database.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'
import { seededRandom } from '../faults/supervisor/seeded-random.ts'

/** Of each run: together more than 2,000 people with more than 3,000 events. */
const people = 1_050

const common = [
  'suppressed opted_out',
  'suppressed address_suppressed',
  'deferred send_at',
  'deferred quiet_hours',
  'deferred user_pending',
  'failed unknown_user',
  'duplicate repeated_id',
  'duplicate conflict',
  'cancelled cancelled',
]
const happening = { prompt: ['deferred over_cap', 'suppressed capped'], late: ['expired past_expiry'] }

describe('two days of random people and events', () => {
  for (const senders of ['prompt', 'late'] as const) {
    test(`with ${senders} senders break no rule of any person`, async (context) => {
      const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
      const choices = createChoices(seededRandom(seed))
      const from = choices.pick(nightsOfChange(Date.now()))
      context.diagnostic(`SEED=${seed}, from ${new Date(from).toISOString()}`)
      const database = await createTestDatabase()
      try {
        const { redisUrl } = readStackEnvironment()
        const observations = await simulate({ database, redisUrl, choices, people, senders, from })
        const { details, rules, ...counts } = check(observations)
        context.diagnostic(JSON.stringify(counts))
        assert.deepEqual(details, [], JSON.stringify(rules))
        const told = Map.groupBy(observations.statuses, ({ status, reason }) => `${status} ${reason ?? ''}`.trim())
        context.diagnostic([...told].map(([words, { length }]) => `${length} ${words}`).join(', '))
        // What did not happen was not tested.
        assert.deepEqual(
          [...common, ...happening[senders]].filter((words) => !told.has(words)),
          [],
        )
        assert.ok(counts.events > 1_500 && counts.calls > 500)
      } finally {
        await database.drop()
      }
    })
  }
})
