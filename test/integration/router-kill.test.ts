import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, afterEach, before, describe, test, type TestContext } from 'node:test'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { nothingFound, reconcile, type Evidence } from '../support/reconciliation.ts'

const eventCount = 20_000
const userCount = 500
const killCount = 5
const publishedAtOnce = 2_000
const settleLimitMs = 60_000

let pipeline: Pipeline

describe('a router that is killed with -9', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    // What is published below is on the bulk lane, and goes on by the lane of its category.
    await pipeline.database.query(`update categories set lane = 'bulk'`)
    for (let userId = 1; userId <= userCount; userId += 1) await insertPerson(pipeline.database, { userId })
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('five times in 20,000 events loses nothing and makes no provider call twice', async (context) => {
    const random = seededRandom(context)
    const events = Array.from({ length: eventCount }, (_, index) =>
      anEvent({ userId: (index % userCount) + 1, channels: [index % 2 === 0 ? 'sms' : 'email'] }),
    )
    await publish(events)
    for (const channel of ['sms', 'email']) await pipeline.start(['sender', '--channel', channel, '--lane', 'bulk'])

    let router = await pipeline.start(['router', '--lane', 'bulk'])
    const interrupted: number[] = []
    for (let kill = 0; kill < killCount; kill += 1) {
      // Somewhere in this kill's share of the work; the last share is the one that comes through.
      await untilRecorded(Math.ceil(((kill + random()) / (killCount + 1)) * eventCount))
      await router.kill()
      const unrouted = await pipeline.unrouted('bulk')
      assert.ok(unrouted > 0, `kill ${kill + 1} came after the work`)
      interrupted.push((await recordedCount()) - (eventCount - unrouted))
      router = await pipeline.start(['router', '--lane', 'bulk'])
    }
    await pipeline.untilSettled({ deadlineMs: settleLimitMs })

    assert.deepEqual(reconcile(await gatherEvidence(events)), nothingFound)
    // Else no kill came between record and commit, and the test has shown nothing.
    assert.ok(interrupted.some((count) => count > 0))
    context.diagnostic(`on record but not committed at the kills: ${interrupted.join(', ')}`)
    context.diagnostic(`${await repeatedCommands()} commands were forwarded more than once`)
  })
})

/** Prints its seed; `SEED=…` repeats a run as far as other processes allow it. */
function seededRandom(context: TestContext): () => number {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
  context.diagnostic(`SEED=${seed}`)
  let state = seed
  // Mulberry32: small, and good enough to choose moments.
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function publish(events: readonly NotificationRequested[]): Promise<void> {
  for (let start = 0; start < events.length; start += publishedAtOnce) {
    const batch = events.slice(start, start + publishedAtOnce)
    await pipeline.publish(batch.map((event) => pipeline.requestRecord(event, 'bulk')))
  }
}

/** Waits until so many notifications are in the log. */
async function untilRecorded(wanted: number): Promise<void> {
  await eventually(async () => {
    const recorded = await recordedCount()
    return recorded >= wanted ? undefined : `${recorded} of ${wanted} in the log`
  })
}

async function recordedCount(): Promise<number> {
  const [row] = await pipeline.database.query<{ count: number }>('select count(*)::integer as count from notifications')
  return row?.count ?? 0
}

async function gatherEvidence(events: readonly NotificationRequested[]): Promise<Evidence> {
  return {
    expected: new Map(events.map(({ notificationId }) => [notificationId, 1])),
    calls: pipeline.simulator.ledger.entries(),
    rows: await pipeline.database.query<Evidence['rows'][number]>(
      `select delivery_id as "deliveryId", notification_id as "notificationId", state,
         provider_message_id as "providerMessageId"
       from deliveries`,
    ),
    statuses: await pipeline.statuses(),
  }
}

async function repeatedCommands(): Promise<number> {
  const topics = [pipeline.topics.deliveries('sms', 'bulk'), pipeline.topics.deliveries('email', 'bulk')]
  const commands = await Promise.all(topics.map((topic) => pipeline.read(topic)))
  return commands.flat().length - eventCount
}
