import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { anEmail, emailOf, insertCatalogue, insertNewcomer, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const patienceMs = 30_000
const hourMs = 3_600_000
const minuteMs = 60_000
const hashKey = '0123456789abcdef'.repeat(4)

let pipeline: Pipeline
const somebody = () => insertNewcomer(pipeline.database)

function inWords({ status, reason }: DeliveryStatus): string {
  return reason === null ? status : `${status}/${reason}`
}

async function storyOf(event: NotificationRequested): Promise<string[]> {
  return (await pipeline.statuses(event.notificationId)).map(inWords)
}

/** Waits until the story of the event has this step. */
async function until(event: NotificationRequested, step: string): Promise<string[]> {
  let story: string[] = []
  await eventually(async () => {
    story = await storyOf(event)
    return story.includes(step) ? undefined : `${step} is not among ${story.join(', ')}`
  }, patienceMs)
  return story
}

function callsOf(userId: number) {
  return [...pipeline.simulator.ledger.entries({ address: emailOf(userId) })]
}

async function insertCategory(name: string, columns: Record<string, string>): Promise<void> {
  const all = { name: `'${name}'`, lane: `'transactional'`, channels: `'{email}'`, time_to_live_seconds: '3600' }
  const row = { ...all, template_id: `'back-in-stock'`, ...columns }
  await pipeline.database.query(
    `insert into categories (${Object.keys(row).join(', ')}) values (${Object.values(row).join(', ')})`,
  )
}

describe('a notification that has to wait', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await insertCategory('capped', { caps: `'[{"limit": 1, "windowSeconds": 2}]'` })
    await insertCategory('dropped', { caps: `'[{"limit": 1, "windowSeconds": 3600}]'`, over_cap_policy: `'drop'` })
    await insertCategory('campaign', { lane: `'bulk'` })
    await insertCategory('login', { mandatory: 'true' })
    await pipeline.start(['all'], { FANFARE_ADDRESS_HASH_KEY: hashKey })
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('is sent at the time that was asked for, never before and at most a second after', async () => {
    const userId = await somebody()
    const sendAt = Date.now() + 3_000
    const event = anEmail({ userId, sendAt })
    await pipeline.request(event)
    assert.deepEqual(await until(event, 'sent'), ['deferred/send_at', 'routed', 'sent'])
    const [call] = callsOf(userId)
    assert.ok(call !== undefined && call.receivedAtMs >= sendAt, 'early')
    assert.ok(call.receivedAtMs < sendAt + 1_500, `${call.receivedAtMs - sendAt} ms late`)
  })

  test('for somebody who is just signing up reaches them ten seconds after', async () => {
    const event = anEmail({ userId: 6_000 })
    await pipeline.request(event)
    await until(event, 'deferred/user_pending')
    await insertPerson(pipeline.database, { userId: 6_000 })
    assert.deepEqual(await until(event, 'sent'), ['deferred/user_pending', 'routed', 'sent'])
  })

  test('in the quiet hours of the person waits until their end, and goes on then', async () => {
    const userId = await somebody()
    const minute = new Date().getUTCHours() * 60 + new Date().getUTCMinutes()
    await pipeline.database.query(
      `update users set time_zone = 'UTC', quiet_from_minute = $2, quiet_until_minute = $3 where user_id = $1`,
      [userId, (minute + 1_440 - 5) % 1_440, (minute + 5) % 1_440],
    )
    const event = anEmail({ userId })
    await pipeline.request(event)
    await until(event, 'deferred/quiet_hours')
    const [waiting] = await pipeline.database.query<{ due_at: Date; pass: number }>(
      'select due_at, pass from scheduled_notifications where notification_id = $1',
      [event.notificationId],
    )
    assert.equal(waiting?.pass, 1)
    assert.equal(waiting.due_at.getTime() % minuteMs, 0)
    const waitMs = waiting.due_at.getTime() - event.createdAt
    assert.ok(waitMs > 3 * minuteMs && waitMs <= 5 * minuteMs, `${waitMs} ms`)
    assert.deepEqual(callsOf(userId), [])
    // Nobody waits five minutes here: as if the clock of Postgres had gone on.
    await pipeline.database.query('update scheduled_notifications set due_at = now() where notification_id = $1', [
      event.notificationId,
    ])
    await until(event, 'sent')
  })

  test('in quiet hours that outlast it expires, and says why', async () => {
    const userId = await somebody()
    const minute = new Date().getUTCHours() * 60 + new Date().getUTCMinutes()
    await pipeline.database.query(
      `update users set time_zone = 'UTC', quiet_from_minute = $2, quiet_until_minute = $3 where user_id = $1`,
      [userId, (minute + 1_440 - 5) % 1_440, (minute + 120) % 1_440],
    )
    const event = anEmail({ userId })
    const mandatory = anEmail({ userId, category: 'login' })
    await pipeline.request(event, mandatory)
    assert.deepEqual(await until(event, 'expired/quiet_hours'), ['expired/quiet_hours'])
    assert.deepEqual(await until(mandatory, 'sent'), ['routed', 'sent'])
  })

  test('over a cap is sent when there is room, and each of them counts once', async () => {
    const userId = await somebody()
    const events = [1, 2, 3].map(() => anEmail({ userId, category: 'capped' }))
    await pipeline.request(...events)
    for (const event of events) await until(event, 'sent')
    const times = callsOf(userId).map(({ receivedAtMs }) => receivedAtMs)
    assert.equal(times.length, 3)
    for (const [index, time] of times.entries()) assert.ok(index === 0 || time - times[index - 1]! >= 2_000)
  })

  test('over a cap of a category that does not wait is suppressed', async () => {
    const userId = await somebody()
    const [first, second] = [anEmail({ userId, category: 'dropped' }), anEmail({ userId, category: 'dropped' })]
    await pipeline.request(first, second)
    await until(first, 'sent')
    assert.deepEqual(await until(second, 'suppressed/capped'), ['suppressed/capped'])
    assert.equal(callsOf(userId).length, 1)
  })

  test('is stopped by a cancel, and neither sent nor told twice', async () => {
    const userId = await somebody()
    const event = anEmail({ userId, sendAt: Date.now() + hourMs })
    await pipeline.request(event)
    await until(event, 'deferred/send_at')
    const { notificationId, source, createdAt } = event
    await pipeline.cancel({ notificationId, source, userId, createdAt, cancelledAt: Date.now() })
    assert.deepEqual(await until(event, 'cancelled/cancelled'), ['deferred/send_at', 'cancelled/cancelled'])
    const rows = await pipeline.database.query('select from scheduled_notifications where notification_id = $1', [
      notificationId,
    ])
    assert.equal(rows.length, 0)
  })
})

describe('a request', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await insertCategory('campaign', { lane: `'bulk'` })
    await pipeline.start(['all'], { FANFARE_ADDRESS_HASH_KEY: hashKey })
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('that repeats an id is a duplicate with the coordinates of the first; with other content it is a conflict', async () => {
    const userId = await somebody()
    const event = anEmail({ userId })
    await pipeline.request(event)
    await until(event, 'sent')
    await pipeline.request(event, { ...event, data: { ...event.data, item_name: 'Lamp' } })
    await until(event, 'duplicate/repeated_id')
    await until(event, 'duplicate/conflict')
    const told = (await pipeline.statuses(event.notificationId)).filter(({ status }) => status === 'duplicate')
    for (const { original } of told) {
      assert.equal(original?.topic, pipeline.topics.requested('transactional'))
      assert.equal(original.offset >= 0, true)
    }
    assert.equal(callsOf(userId).length, 1)
  })

  test('on the topic of the other lane goes on by its category', async () => {
    const userId = await somebody()
    const event = anEmail({ userId, category: 'campaign' })
    await pipeline.request(event)
    await until(event, 'sent')
    const lanes = (await pipeline.statuses(event.notificationId)).map(({ status, lane }) => `${status} ${lane}`)
    assert.deepEqual(lanes, ['routed bulk', 'sent bulk'])
    const records = await pipeline.read(pipeline.topics.deliveries('email', 'bulk'))
    assert.equal(records.length, 1)
  })

  test('to an address on the suppression list is not even forwarded', async () => {
    const userId = await somebody()
    const hash = createHmac('sha256', Buffer.from(hashKey, 'hex'))
      .update(`email:${emailOf(userId)}`)
      .digest()
    await pipeline.database.query(
      `insert into suppressions (channel, address_hash, scope, reason) values ('email', $1, 'receipt', 'complaint')`,
      [hash],
    )
    const event = anEmail({ userId })
    const other = anEmail({ userId, category: 'campaign' })
    await pipeline.request(event, other)
    assert.deepEqual(await until(event, 'suppressed/address_suppressed'), ['suppressed/address_suppressed'])
    await until(other, 'sent')
  })
})
