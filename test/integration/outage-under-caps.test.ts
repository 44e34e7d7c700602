/**
 * An outage of an hour on a simulated clock: real router, scheduler and senders, Postgres and Redis; see
 * test/routing/simulated-outage.ts.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check } from '../routing/checker/check.ts'
import { simulateOutage } from '../routing/simulated-outage.ts'
import { createTestDatabase } from '../support/database.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const pacePerSecond = 50
/** What the pace lets go at once after a pause, besides what it lets go in that second. */
const burst = pacePerSecond / 2

describe('an outage of an hour, in which all that waits falls due', () => {
  test('is followed by at most the cap in every window of every person, and by resumptions at their pace', async (context) => {
    const database = await createTestDatabase()
    try {
      const { observations, overdue, resumptions } = await simulateOutage({
        database,
        redisUrl: readStackEnvironment().redisUrl,
        from: Date.now() + hourMs,
        people: 60,
        eventsEach: 12,
        cap: { limit: 2, windowMs: 10 * minuteMs },
        outageMs: hourMs,
        pacePerSecond,
      })
      // Two each were sent before it, and the places of the others lie within fifty minutes.
      assert.equal(overdue, 60 * 10)
      const { details, rules, ...counts } = check(observations)
      context.diagnostic(JSON.stringify({ ...counts, resumptions: resumptions.length }))
      assert.deepEqual(details, [], JSON.stringify(rules))
      assert.equal(counts.calls, 60 * 12)
      for (const { at } of resumptions) {
        const within = resumptions.filter((other) => other.at >= at && other.at < at + 1_000)
        const count = within.reduce((sum, each) => sum + each.count, 0)
        assert.ok(count <= pacePerSecond + burst, `${count} within a second`)
      }
    } finally {
      await database.drop()
    }
  })
})
