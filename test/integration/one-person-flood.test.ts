import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

const floodSize = 10_000
/** A router does thousands a second; this is for a machine that does much else. */
const routedWithinMs = 90_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

const flooded = 1
const other = 2

describe('10,000 events for one person in one go', () => {
  let pipeline: Pipeline
  let router: RoleProcess
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await pipeline.database.query(
      `insert into categories (name, lane, channels, time_to_live_seconds, template_id, caps)
       values ('capped', 'transactional', '{email}', 6 * 86400, 'back-in-stock',
         '[{"limit": 3, "windowSeconds": 3600}, {"limit": 60, "windowSeconds": 86400}]')`,
    )
    for (const userId of [flooded, other]) await insertPerson(pipeline.database, { userId })
    router = await pipeline.start(['router', '--lane', 'transactional'], { FANFARE_USER_CAPS: '20/1h' })
    await pipeline.start(['sender', '--channel', 'email', '--lane', 'transactional'])
    await pipeline.start(['scheduler'])
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('come each to one decision, keep every cap, and hold up nobody behind them', async () => {
    const flood = Array.from({ length: floodSize }, () => anEvent({ userId: flooded, category: 'capped' }))
    const behind = anEvent({ userId: other, category: 'capped' })
    await pipeline.publish([
      ...flood.map((event) => pipeline.requestRecord(event)),
      // On the same partition, after all of them.
      { ...pipeline.requestRecord(behind), key: String(flooded) },
    ])
    await pipeline.untilSettled({ deadlineMs: routedWithinMs })

    const told = await decisions()
    assert.deepEqual(told.get(behind.notificationId), ['routed'])
    assert.equal(callsTo(other), 1)
    assert.equal(told.size, floodSize + 1)
    const words = flood.map(({ notificationId }) => told.get(notificationId))
    assert.ok(words.every((each) => each?.length === 1))
    const counts = countBy(words.flatMap((each) => each ?? []))
    // Six days have some 360 places, 60 each; what finds none expires.
    const { routed = 0, 'deferred/over_cap': deferred = 0, 'expired/over_cap': expired = 0 } = counts
    assert.equal(routed + deferred + expired, floodSize, JSON.stringify(counts))
    assert.equal(routed, 3)
    assert.ok(deferred >= 350 && deferred <= 360, `${deferred} deferred`)
    assert.equal(callsTo(flooded), 3)
    assert.deepEqual(await overfullWindows(), [])
    // Nobody was let pass because Redis took too long over it.
    assert.doesNotMatch((await router.admin('/metrics')).body, /^fanfare_cap_failures_total\{.*\} [1-9]/m)
  })

  test('come back together although they are more than a batch of the topic takes', async () => {
    const sendAt = Date.now() + 3_000
    const more = 'x'.repeat(100 * 1_024)
    const large = Array.from({ length: 12 }, () => {
      const event = anEvent({ userId: other, category: 'receipt', channels: ['email'], sendAt })
      return { ...event, data: { ...event.data, more } }
    })
    await pipeline.request(...large)
    const isSent = async () => {
      const statuses = await pipeline.statuses()
      const sent = new Set(
        statuses.flatMap(({ status, notificationId }) => (status === 'sent' ? [notificationId] : [])),
      )
      const missing = large.filter(({ notificationId }) => !sent.has(notificationId)).length
      return missing === 0 ? undefined : `${missing} are not sent`
    }
    await eventually(isSent, 30_000)
  })

  /** Decisions about whole notifications, by notification; repeats included. */
  async function decisions(): Promise<Map<string, string[]>> {
    const told = new Map<string, string[]>()
    for (const { notificationId, deliveryId, status, reason } of await pipeline.statuses()) {
      if (deliveryId !== null) continue
      const words = told.get(notificationId) ?? []
      told.set(notificationId, [...words, reason === null ? status : `${status}/${reason}`])
    }
    return told
  }

  function callsTo(userId: number): number {
    return [...pipeline.simulator.ledger.entries({ address: emailOf(userId) })].length
  }

  /** Of what is sent and what waits for its place: those with which a window holds more than its cap allows. */
  async function overfullWindows(): Promise<string[]> {
    const rows = await pipeline.database.query<{ at: number }>(
      `select (extract(epoch from coalesce(deferred_until, decided_at)) * 1000)::double precision as at
       from notifications where user_id = $1 and decision in ('routed', 'deferred') order by 1`,
      [flooded],
    )
    const times = rows.map(({ at }) => at)
    return [
      { limit: 3, windowMs: hourMs },
      { limit: 60, windowMs: dayMs },
    ].flatMap(({ limit, windowMs }) =>
      times.flatMap((at, place) => (at - (times[place - limit] ?? -Infinity) < windowMs ? [`${limit}: ${at}`] : [])),
    )
  }
})

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
