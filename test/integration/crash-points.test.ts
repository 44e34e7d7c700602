/**
 * Every point at which a process can die, tried exactly there: the process kills itself between two steps, and what is
 * then true, and what its successor makes of it, is looked at from outside.
 *
 * Router tests share a lane two by two, so those of a lane come one after the other; each sender test has a channel and
 * lane of its own. A killed member's partitions are handed on when its session is over, which is what these tests wait
 * for most of the time.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Channel, Lane } from '../../src/domain/channel.ts'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { shortLease } from '../faults/rows/sender-lease.ts'
import type { CrashPoint } from '../faults/wiring/crash.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

const wiring = 'test/faults/wiring/main.ts'
/** Both messages of a chunk are with the provider before the first answer is settled. */
const answerLatencyMs = 300
const heldCategory = 'held'
/** Events go on by the lane of their category, whichever topic they come by. */
const bulkCategory = 'campaign'
/** Six tests at once read the status topic: as often as usual they would take the processors from the roles. */
const tellsEveryMs = 200
const patienceMs = 40_000

let pipeline: Pipeline

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.database.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, unknown_policy)
     values ($1, 'transactional', '{push,sms,email}', 3600, 'back-in-stock', 'hold'),
       ($2, 'bulk', '{push,sms,email}', 3600, 'back-in-stock', 'resend')`,
    [heldCategory, bulkCategory],
  )
  pipeline.simulator.faults.setBaseLatency('twilio', answerLatencyMs)
  // The bulk lane's comes later: a test wants to see commands that nobody takes.
  await startSender('email', 'transactional')
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

describe('a router that dies', { concurrency: true }, () => {
  describe('on one lane', { concurrency: false }, () => {
    test('before it records has decided nothing: its successor does', beforeRecord)
    test('after it recorded has told nobody: its successor forwards what is on record', afterRecord)
  })
  describe('on the other', { concurrency: false }, () => {
    test('after it forwarded forwards again what nobody has taken, with the ids that it had', afterForward)
    test('before it commits repeats what it told, and forwards nothing that was taken', beforeCommit)
  })
})

describe('whoever dies behind the router', { concurrency: true }, () => {
  before(async () => {
    await Promise.all([
      pipeline.start(['router', '--lane', 'transactional']),
      pipeline.start(['router', '--lane', 'bulk']),
      pipeline.start(['retry', '--lane', 'transactional']),
    ])
  })

  test('a sender before its claim has called nobody: its successor sends', beforeClaim)
  test('a sender after its claim leaves a doubt, and has called nobody: the ladder brings the message', afterClaim)
  test('a sender after its call leaves a doubt, which the policy decides: called again, or held', afterCall)
  test('a sender after it settled has told nobody: its successor tells it, and calls nobody', afterSettle)
  test('a sender after it published is repeated: the status has the id that it had, and nobody is called', afterPublish)
  test(
    'a retry role between publication and commit publishes again: the copy finds its hop taken',
    betweenRetryAndCommit,
  )
})

async function beforeRecord(): Promise<void> {
  const batch = await crashRouter('before-record', { lane: 'transactional', userId: 1 })
  assert.deepEqual(await batch.rows(), [])
  assert.deepEqual(await batch.statuses(), [])
  assert.deepEqual(await batch.commands(), [])
  await batch.succeed()
  await batch.untilSent()
  assert.equal((await batch.commands()).length, batch.events.length)
  assert.deepEqual(await batch.callsOfEach(), [1, 1, 1])
}

async function afterRecord(): Promise<void> {
  const batch = await crashRouter('after-record', { lane: 'transactional', userId: 2 })
  const recorded = await batch.rows()
  assert.deepEqual(
    recorded.map(({ state }) => state),
    ['routed', 'routed', 'routed'],
  )
  assert.deepEqual(await batch.statuses(), [])
  assert.deepEqual(await batch.commands(), [])
  await batch.succeed()
  await batch.untilSent()
  assert.deepEqual(idsOf(await batch.rows()), idsOf(recorded), 'the deliveries are those on record')
  assert.deepEqual((await batch.commands()).toSorted(), idsOf(recorded), 'each is forwarded once')
  assert.deepEqual(await batch.callsOfEach(), [1, 1, 1])
}

async function afterForward(): Promise<void> {
  const batch = await crashRouter('after-forward', { lane: 'bulk', userId: 3 })
  const ids = idsOf(await batch.rows())
  assert.equal(ids.length, batch.events.length)
  assert.deepEqual((await batch.commands()).toSorted(), ids)
  assert.equal(await pipeline.unrouted('bulk'), batch.events.length, 'nothing is committed')
  await batch.succeed()
  assert.deepEqual(idsOf(await batch.rows()), ids)
  assert.deepEqual((await batch.commands()).toSorted(), [...ids, ...ids].toSorted())
  await startSender('email', 'bulk')
  // A sender finds the row of the second copy sent and tells it again, under the same id, as the router did.
  await batch.untilTold(2 * 2 * batch.events.length)
  assert.equal(new Set((await batch.statuses()).map(({ statusId }) => statusId)).size, 2 * batch.events.length)
  assert.deepEqual(await batch.callsOfEach(), [1, 1, 1])
}

async function beforeCommit(): Promise<void> {
  const batch = await crashRouter('before-commit', { lane: 'bulk', userId: 4 })
  assert.equal(await pipeline.unrouted('bulk'), batch.events.length, 'nothing is committed')
  await batch.untilSent()
  await batch.untilTold(2 * batch.events.length)
  await batch.succeed()
  await batch.untilTold(3 * batch.events.length)
  assert.equal(new Set((await batch.statuses()).map(({ statusId }) => statusId)).size, 2 * batch.events.length)
  assert.deepEqual((await batch.commands()).toSorted(), idsOf(await batch.rows()), 'each is forwarded once')
  assert.deepEqual(await batch.callsOfEach(), [1, 1, 1])
}

async function beforeClaim(): Promise<void> {
  const event = await eventFor(11, { channels: ['push'] })
  const succeed = await crashSender('before-claim', { channel: 'ios', lane: 'bulk', events: [event] })
  assert.deepEqual(await rowsOf(event), ['routed at hop 0'])
  assert.deepEqual(callsOf(await deliveryOf(event)), [])
  await succeed()
  await untilRows(event, 'sent at hop 1')
  assert.deepEqual(callsOf(await deliveryOf(event)), ['accepted'])
  await untilTold(event, ['routed', 'sent'])
}

async function afterClaim(): Promise<void> {
  const event = await eventFor(12, { channels: ['push'] })
  const succeed = await crashSender('after-claim', { channel: 'ios', lane: 'transactional', events: [event] })
  assert.deepEqual(await rowsOf(event), ['claimed at hop 1'])
  assert.deepEqual(callsOf(await deliveryOf(event)), [])
  await succeed()
  await untilRows(event, 'sent at hop 2')
  assert.deepEqual(callsOf(await deliveryOf(event)), ['accepted'])
  await untilTold(event, ['routed', 'unknown', 'sent'])
}

async function afterCall(): Promise<void> {
  const again = await eventFor(13, { channels: ['sms'] })
  const held = anEvent({ userId: 13, channels: ['sms'], category: heldCategory })
  const succeed = await crashSender('after-call', { channel: 'sms', lane: 'transactional', events: [again, held] })
  for (const event of [again, held]) {
    assert.deepEqual(await rowsOf(event), ['claimed at hop 1'])
    assert.deepEqual(callsOf(await deliveryOf(event)), ['accepted'])
    assert.deepEqual(await told(event), ['routed'])
  }
  await succeed()
  await untilRows(held, 'unknown at hop 1')
  await untilRows(again, 'sent at hop 2')
  assert.deepEqual(callsOf(await deliveryOf(again)), ['accepted', 'accepted'], 'the duplicate that was declared')
  assert.deepEqual(callsOf(await deliveryOf(held)), ['accepted'])
  await untilTold(again, ['routed', 'unknown', 'sent'])
  await untilTold(held, ['routed', 'unknown'])
}

async function afterSettle(): Promise<void> {
  const event = await eventFor(14, { channels: ['sms'] })
  const succeed = await crashSender('after-settle', { channel: 'sms', lane: 'bulk', events: [event] })
  assert.deepEqual(await rowsOf(event), ['sent at hop 1'])
  assert.deepEqual(await told(event), ['routed'])
  await succeed()
  await untilTold(event, ['routed', 'sent'])
  assert.deepEqual(callsOf(await deliveryOf(event)), ['accepted'])
}

async function afterPublish(): Promise<void> {
  const event = await eventFor(15, { channels: ['push'] })
  const succeed = await crashSender('after-publish', { channel: 'android', lane: 'bulk', events: [event] })
  assert.deepEqual(await rowsOf(event), ['sent at hop 1'])
  assert.deepEqual(await told(event), ['routed', 'sent'])
  await succeed()
  await untilTold(event, ['routed', 'sent', 'sent'])
  const [, ...sent] = await pipeline.statuses(event.notificationId)
  assert.equal(new Set(sent.map(({ statusId }) => statusId)).size, 1)
  assert.deepEqual(callsOf(await deliveryOf(event)), ['accepted'])
}

async function betweenRetryAndCommit(): Promise<void> {
  const event = await eventFor(16, { channels: ['email'] })
  const command = ['retry', '--lane', 'bulk']
  const retry = await startCrashing('after-publish', command)
  const match = { address: emailOf(16) }
  pipeline.simulator.faults.add({ provider: 'sendgrid', match, times: 1, fault: { kind: 'status', status: 503 } })
  await publish('bulk', [event])
  await retry.killsItself()
  assert.deepEqual(await copiesByHop(event), { 1: 1, 2: 1 })
  await pipeline.start(command)
  await eventually(
    async () => {
      const copies = await copiesByHop(event)
      return copies['2'] === 2 ? undefined : `hop 2 once more: ${JSON.stringify(copies)}`
    },
    patienceMs,
    tellsEveryMs,
  )
  // The copy finds the row sent and tells it again.
  await untilTold(event, ['routed', 'retrying', 'sent', 'sent'])
  assert.deepEqual(await rowsOf(event), ['sent at hop 2'])
  assert.deepEqual(callsOf(await deliveryOf(event)), ['refused', 'accepted'])
}

interface RouterBatch {
  events: readonly NotificationRequested[]
  rows(): Promise<{ deliveryId: string; state: string }[]>
  /** The delivery ids of the commands on the channel topic, copies included. */
  commands(): Promise<string[]>
  statuses(): Promise<DeliveryStatus[]>
  callsOfEach(): Promise<number[]>
  /** Lets another router take over, until everything is committed; it is gone after that. */
  succeed(): Promise<void>
  untilSent(): Promise<void>
  /** Waits for so many statuses, copies included. */
  untilTold(count: number): Promise<void>
}

/** Three emails to one person, whom a router dies over. */
async function crashRouter(point: CrashPoint, { lane, userId }: { lane: Lane; userId: number }): Promise<RouterBatch> {
  const command = ['router', '--lane', lane]
  const router = await startCrashing(point, command)
  const events = [await eventFor(userId, { channels: ['email'] })]
  events.push(...[1, 2].map(() => anEvent({ userId, channels: ['email'] })))
  await publish(lane, events)
  await router.killsItself()
  const rows = () =>
    pipeline.database.query<{ deliveryId: string; state: string }>(
      'select delivery_id as "deliveryId", state from deliveries where user_id = $1 order by 1',
      [userId],
    )
  const statuses = async () => (await pipeline.statuses()).filter((status) => status.userId === userId)
  return {
    events,
    rows,
    commands: async () => {
      const commands = await commandsOf(userId, lane)
      const ids = idsOf(await rows())
      return commands.map(({ value }) => ids.find((id) => Buffer.from(value ?? []).includes(id)) ?? 'of no row')
    },
    statuses,
    callsOfEach: async () => idsOf(await rows()).map((id) => callsOf(id).length),
    succeed: async () => {
      const successor = await pipeline.start(command)
      await eventually(async () => {
        const unrouted = await pipeline.unrouted(lane)
        return unrouted === 0 ? undefined : `${unrouted} events are not routed`
      })
      await successor.stop()
    },
    untilSent: () =>
      eventually(async () => {
        const states = (await rows()).map(({ state }) => state)
        return states.every((state) => state === 'sent') ? undefined : `not all are sent: ${states.join()}`
      }),
    untilTold: (count) =>
      eventually(
        async () => {
          const { length } = await statuses()
          return length === count ? undefined : `${count} statuses, not ${length}`
        },
        patienceMs,
        tellsEveryMs,
      ),
  }
}

/** @returns what starts the successor. */
async function crashSender(
  point: CrashPoint,
  { channel, lane, events }: { channel: Channel; lane: Lane; events: readonly NotificationRequested[] },
): Promise<() => Promise<RoleProcess>> {
  const sender = await startCrashing(point, ['sender', '--channel', channel, '--lane', lane])
  await publish(lane, events)
  await sender.killsItself()
  return () => startSender(channel, lane)
}

function startCrashing(point: CrashPoint, command: readonly string[]): Promise<RoleProcess> {
  return pipeline.start(command, { ...shortLease, FAULTS_CRASH_AT: point }, wiring)
}

function startSender(channel: Channel, lane: Lane): Promise<RoleProcess> {
  return pipeline.start(['sender', '--channel', channel, '--lane', lane], shortLease)
}

/** To somebody new, who has a phone of each kind. */
async function eventFor(userId: number, fields: Partial<NotificationRequested>): Promise<NotificationRequested> {
  const token = String(userId).padStart(64, 'a')
  const isIos = userId < 15
  await insertPerson(pipeline.database, { userId, [isIos ? 'iosTokens' : 'androidTokens']: [token] })
  return anEvent({ userId, ...fields })
}

/** In one request, and of one person: they come as one chunk. */
async function publish(lane: Lane, events: readonly NotificationRequested[]): Promise<void> {
  const ofLane = events.map((event) => (lane === 'bulk' ? { ...event, category: bulkCategory } : event))
  await pipeline.publish(ofLane.map((event) => pipeline.requestRecord(event, lane)))
}

function idsOf(rows: readonly { deliveryId: string }[]): string[] {
  return rows.map(({ deliveryId }) => deliveryId).toSorted()
}

async function commandsOf(userId: number, lane: Lane) {
  const commands = await pipeline.read(pipeline.topics.deliveries('email', lane))
  return commands.filter(({ key }) => Buffer.from(key ?? []).toString() === String(userId))
}

async function copiesByHop({ userId }: NotificationRequested): Promise<Record<string, number>> {
  const byHop = Map.groupBy(await commandsOf(userId, 'bulk'), ({ headers }) => String(headers['x-hop']))
  return Object.fromEntries([...byHop].map(([hop, commands]) => [hop, commands.length]))
}

async function rowsOf({ notificationId }: NotificationRequested): Promise<string[]> {
  const rows = await pipeline.database.query<{ state: string; hop: number }>(
    'select state, hop from deliveries where notification_id = $1',
    [notificationId],
  )
  return rows.map(({ state, hop }) => `${state} at hop ${hop}`)
}

async function untilRows(event: NotificationRequested, wanted: string): Promise<void> {
  await eventually(async () => {
    const rows = await rowsOf(event)
    return rows.join() === wanted ? undefined : `${wanted}, not ${rows.join()}`
  }, patienceMs)
}

async function deliveryOf({ notificationId }: NotificationRequested): Promise<string> {
  const [row] = await pipeline.database.query<{ id: string }>(
    'select delivery_id as id from deliveries where notification_id = $1',
    [notificationId],
  )
  return row?.id ?? ''
}

function callsOf(deliveryId: string): string[] {
  return [...pipeline.simulator.ledger.entries({ deliveryId })].map(({ verdict }) => verdict)
}

async function told({ notificationId }: NotificationRequested): Promise<string[]> {
  return (await pipeline.statuses(notificationId)).map(({ status }) => status)
}

async function untilTold(event: NotificationRequested, wanted: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const statuses = await told(event)
      return statuses.join() === wanted.join() ? undefined : `${wanted.join()}, not ${statuses.join()}`
    },
    patienceMs,
    tellsEveryMs,
  )
}
