import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import { readText } from '../../src/domain/record-headers.ts'
import { requestBytes } from '../../src/domain/request-validation.ts'
import { createRegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { readRecordSchema } from '../../src/kafka/registry/record-schemas.ts'
import { subjectOf } from '../../src/kafka/topic-schemas.ts'
import { anEmail, emailOf, insertCatalogue, insertNewcomer } from '../support/builders/catalogue.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.start(['all'])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

const someone = () => insertNewcomer(pipeline.database)

function inboxOf(userId: number): (string | undefined)[] {
  return [...pipeline.simulator.ledger.entries({ address: emailOf(userId) })].map(({ content }) => content.body)
}

async function storyOf(notificationId: string): Promise<string[]> {
  const statuses = await pipeline.statuses(notificationId)
  return statuses.map(({ status, reason }) => (reason === null ? status : `${status}/${reason}`)).toSorted()
}

function valueOf(event: NotificationRequested): Buffer {
  return Buffer.from(pipeline.requestRecord(event).value ?? [])
}

function withBytes(bytes: Buffer, change: { from: Buffer; to: Buffer }): Buffer {
  const at = bytes.indexOf(change.from)
  assert.notEqual(at, -1)
  return Buffer.concat([bytes.subarray(0, at), change.to, bytes.subarray(at + change.from.length)])
}

function withSchemaId(bytes: Buffer, schemaId: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt32BE(schemaId, 1)
  return changed
}

async function statusSchemaId(): Promise<number> {
  const registry = createRegistryClient({ url: readStackEnvironment().registryUrl })
  const subject = subjectOf(pipeline.topics.deliveryStatus, 'DeliveryStatus')
  const schemaId = await registry.lookUp(subject, readRecordSchema('DeliveryStatus'))
  assert.ok(schemaId !== undefined)
  return schemaId
}

/** The largest Avro long that avsc writes, and 2^53, which no double tells from its neighbour. */
const largestUserId = Number.MAX_SAFE_INTEGER - 1
const largestLong = Buffer.from('fcffffffffffff1f', 'hex')
const firstUnsafeLong = Buffer.from('8080808080808020', 'hex')

async function everyPoison(): Promise<{ what: string; value: Buffer | null; reason: string }[]> {
  const good = valueOf(anEmail({ userId: 1 }))
  const unsafe = withBytes(valueOf(anEmail({ userId: largestUserId })), { from: largestLong, to: firstUnsafeLong })
  return [
    { what: 'a tombstone', value: null, reason: 'empty_value' },
    ...[0, 1, 2, 3, 4].map((length) => ({
      what: `${length} bytes`,
      value: good.subarray(0, length),
      reason: 'not_avro',
    })),
    { what: 'another magic', value: Buffer.concat([Buffer.from([1]), good.subarray(1)]), reason: 'not_avro' },
    { what: 'an unknown schema id', value: withSchemaId(good, 999_999_999), reason: 'unknown_schema_id' },
    { what: 'another record', value: withSchemaId(good, await statusSchemaId()), reason: 'wrong_record_type' },
    { what: 'no body', value: good.subarray(0, 5), reason: 'undecodable' },
    { what: 'truncated', value: good.subarray(0, -1), reason: 'undecodable' },
    { what: 'trailing bytes', value: Buffer.concat([good, Buffer.from([0])]), reason: 'undecodable' },
    { what: 'a user id past the safe integers', value: unsafe, reason: 'undecodable' },
  ]
}

/** Reason, bytes and key of a dead letter, having checked that they are those of the record that it names. */
function checkedLetter(letter: ConsumedRecord, sources: readonly ConsumedRecord[]): string {
  const header = (name: string) => readText(letter.headers, name)
  const source = sources.find(
    ({ topic, partition, offset }) =>
      topic === header('x-original-topic') &&
      String(partition) === header('x-original-partition') &&
      String(offset) === header('x-original-offset'),
  )
  assert.ok(source !== undefined, 'the dead letter names a record that is not there')
  assert.deepEqual([letter.value, letter.key], [source.value, source.key])
  assert.equal(header('x-original-timestamp'), String(source.timestampMs))
  return inLine(header('x-reason'), letter.value)
}

function inLine(reason: string | undefined, value: Uint8Array | null): string {
  return `${reason} ${value === null ? 'null' : Buffer.from(value).toString('hex')}`
}

async function lettersSince(topic: string, count: number, sourceTopic: string): Promise<string[]> {
  const sources = await pipeline.read(sourceTopic)
  const letters = await pipeline.read(topic)
  return letters.map((letter) => checkedLetter(letter, sources)).slice(count)
}

describe('bytes that are no request', () => {
  test('are dead-lettered one by one, byte for byte, while the records around them are delivered', async () => {
    const userId = await someone()
    const { topics } = pipeline
    const poisons = await everyPoison()
    // One key: all of it lies in one partition, poison between neighbours, and comes in one chunk.
    const neighbour = () => pipeline.requestRecord(anEmail({ userId }))
    const poisoned = poisons.map(({ value }) => ({ ...neighbour(), value }))
    await pipeline.publish([neighbour(), ...poisoned.flatMap((record) => [record, neighbour()])])
    await pipeline.untilSettled()

    const letters = await lettersSince(topics.requestedDeadLetter, 0, topics.requested('transactional'))
    assert.deepEqual(letters.toSorted(), poisons.map(({ reason, value }) => inLine(reason, value)).toSorted())
    assert.equal(inboxOf(userId).length, poisons.length + 1)
  })
})

describe('a request that makes no sense', () => {
  const now = Date.now()
  const nonsense: Record<string, [Partial<NotificationRequested>, string]> = {
    'for user 0': [{ userId: 0 }, 'failed/invalid_user_id'],
    'for a negative user': [{ userId: -7 }, 'failed/invalid_user_id'],
    'in a category that nobody knows': [{ category: 'gossip' }, 'failed/unknown_category'],
    'in a category that can be none': [{ category: 'a\u0000b' }, 'failed/unknown_category'],
    'with a template that nobody knows': [{ template: 'none-such' }, 'failed/unknown_template'],
    'that ends before it begins': [{ expiresAt: now - hourMs }, 'failed/expires_before_created'],
    'from the future': [{ createdAt: now + 2 * hourMs }, 'failed/in_future'],
    'from thirty days ago': [{ createdAt: now - 30 * dayMs }, 'failed/too_old'],
    'for a day past the horizon': [{ sendAt: now + 22 * dayMs }, 'failed/beyond_horizon'],
    'for a time at which it is over': [
      { sendAt: now + hourMs, expiresAt: now + hourMs },
      'failed/expires_before_send_at',
    ],
    'over no such channel': [{ channels: ['pigeon'] }, 'failed/invalid_request'],
    'in a locale that is none': [{ locale: 'not a locale' }, 'failed/invalid_request'],
    'from a source that can be none': [{ source: '' }, 'failed/invalid_request'],
    'with an id that is none': [{ notificationId: 'not-a-uuid\u0000' }, 'failed/invalid_request'],
  }

  test('fails with the reason, and is no dead letter', async () => {
    const userId = await someone()
    const lettersBefore = (await pipeline.read(pipeline.topics.requestedDeadLetter)).length
    const events = Object.values(nonsense).map(([given]) => anEmail({ userId, ...given }))
    await pipeline.request(...events, anEmail({ userId }))
    await pipeline.untilSettled()
    const stories = await Promise.all(events.map(({ notificationId }) => storyOf(notificationId)))
    assert.deepEqual(
      Object.fromEntries(Object.keys(nonsense).map((what, index) => [what, stories[index]])),
      Object.fromEntries(Object.entries(nonsense).map(([what, [, story]]) => [what, [story]])),
    )
    assert.equal(inboxOf(userId).length, 1)
    assert.equal((await pipeline.read(pipeline.topics.requestedDeadLetter)).length, lettersBefore)
  })
})

describe('a row that nobody should have written', () => {
  test('suppresses with its reason and holds up nobody, whatever is wrong about the person', async () => {
    const { database } = pipeline
    const [broken, whole] = [await someone(), await someone()]
    await database.query(
      `update users set email = 'no address', phone_number = '010-1234', locale = 'not a locale' where user_id = $1`,
      [broken],
    )
    await database.query(
      `insert into devices (device_id, user_id, platform, token) values
         (gen_random_uuid(), $1, 'ios', '../3/device/no-hex'), (gen_random_uuid(), $1, 'android', 'with a blank')`,
      [broken],
    )
    const event = { ...anEmail({ userId: broken }), channels: null }
    await pipeline.request(event, anEmail({ userId: whole }))
    await pipeline.untilSettled()
    const told = ['push', 'sms', 'email'].map(() => 'suppressed/no_address')
    assert.deepEqual(await storyOf(event.notificationId), told)
    assert.equal(inboxOf(whole).length, 1)
  })

  test('of a time zone that there is not leaves the person to their country', async () => {
    const userId = await someone()
    // Quiet all day where the number is from, whatever the hour of this test.
    await pipeline.database.query(
      `update users set time_zone = 'Mars/Olympus', quiet_from_minute = 480, quiet_until_minute = 480 where user_id = $1`,
      [userId],
    )
    const event = anEmail({ userId })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['expired/quiet_hours'])
  })

  test('of a cap of nothing lets nothing through, and says so', async () => {
    const userId = await someone()
    await pipeline.database.query(
      `insert into categories (name, lane, channels, time_to_live_seconds, template_id, caps)
       values ('never', 'transactional', '{push,sms,email}', 3600, 'back-in-stock', '[{"limit": 0, "windowSeconds": 86400}]')`,
    )
    const event = anEmail({ userId, category: 'never' })
    await pipeline.request(event, anEmail({ userId }))
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['suppressed/capped'])
    assert.equal(inboxOf(userId).length, 1)
  })
})

describe('a request with odd text', () => {
  test('arrives with its NUL', async () => {
    const userId = await someone()
    await pipeline.request(anEmail({ userId, data: { item_name: 'Um\u0000brella', date: 'May' } }))
    await pipeline.untilSettled()
    assert.deepEqual(inboxOf(userId), ['Um\u0000brella is back since May.'])
  })

  test('arrives with what a lone surrogate is replaced by', async () => {
    const userId = await someone()
    const event = anEmail({ userId, data: { item_name: 'Um###brella', date: 'May' } })
    // U+D800 as UTF-8 would have it if it could: three bytes that no string encodes to.
    const value = withBytes(valueOf(event), { from: Buffer.from('###'), to: Buffer.from('eda080', 'hex') })
    await pipeline.publish([{ ...pipeline.requestRecord(event), value }])
    await pipeline.untilSettled()
    assert.equal(inboxOf(userId).length, 1)
    assert.match(inboxOf(userId)[0] ?? '', /^Um\ufffd+brella is back/)
  })

  test('arrives with 256 KiB, and fails with one byte more', async () => {
    const userId = await someone()
    const ofSize = (bytes: number) => {
      const event = anEmail({
        userId,
        data: { item_name: 'Lamp', date: 'May', more: 'x'.repeat(requestBytes - 1_000) },
      })
      const missing = bytes - valueOf(event).length
      return { ...event, data: { ...event.data, more: 'x'.repeat(requestBytes - 1_000 + missing) } }
    }
    const [fits, exceeds] = [ofSize(requestBytes), { ...ofSize(requestBytes + 1), notificationId: randomUUID() }]
    await pipeline.request(fits, exceeds)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(fits.notificationId), ['routed', 'sent'])
    assert.deepEqual(await storyOf(exceeds.notificationId), ['failed/too_large'])
    assert.deepEqual(inboxOf(userId), ['Lamp is back since May.'])
  })
})

describe('an id', () => {
  test('that comes twice in one chunk is sent once, and the second is a duplicate', async () => {
    const userId = await someone()
    const event = anEmail({ userId })
    await pipeline.request(event, event, { ...event, notificationId: event.notificationId.toUpperCase() })
    await pipeline.untilSettled()
    // Whoever writes the id otherwise does not repeat itself byte for byte.
    const words = ['duplicate/conflict', 'duplicate/repeated_id', 'routed', 'sent']
    assert.deepEqual(await storyOf(event.notificationId), words)
    assert.equal(inboxOf(userId).length, 1)
  })

  test('of two sources is two notifications', async () => {
    const userId = await someone()
    const event = anEmail({ userId })
    await pipeline.request(event, { ...event, source: 'another-app' })
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['routed', 'routed', 'sent', 'sent'])
    assert.equal(inboxOf(userId).length, 2)
  })
})

describe('a record key', () => {
  test('that is absent, or another user’s, costs nothing but order', async () => {
    const userId = await someone()
    const record = (key: string | null) => ({ ...pipeline.requestRecord(anEmail({ userId })), key })
    await pipeline.publish([record(null), record(String(userId + 1)), record('\u0000')])
    await pipeline.untilSettled()
    assert.equal(inboxOf(userId).length, 3)
  })
})

describe('a header', () => {
  test('that is malformed makes a dead letter of its record alone', async () => {
    const userId = await someone()
    const { topics } = pipeline
    const lettersBefore = (await pipeline.read(topics.requestedDeadLetter)).length
    const passes = ['', '-1', '1.5', 'one', '99999999999999999999']
    const records = passes.map((pass) => ({
      ...pipeline.requestRecord(anEmail({ userId })),
      headers: { 'x-pass': pass, traceparent: 'nonsense', 'x-hop': 'ignored here' },
    }))
    await pipeline.publish([...records, pipeline.requestRecord(anEmail({ userId }))])
    await pipeline.untilSettled()
    const letters = await lettersSince(topics.requestedDeadLetter, lettersBefore, topics.requested('transactional'))
    assert.deepEqual(letters.toSorted(), records.map(({ value }) => inLine('bad_header', value)).toSorted())
    assert.equal(inboxOf(userId).length, 1)
  })

  test('that claims a later pass of a notification which has none is refused, and does not hold the partition', async () => {
    const userId = await someone()
    const { topics } = pipeline
    const lettersBefore = (await pipeline.read(topics.requestedDeadLetter)).length
    const [forged, repeated] = [anEmail({ userId }), anEmail({ userId })]
    await pipeline.publish([
      { ...pipeline.requestRecord(forged), headers: { 'x-pass': '1' } },
      pipeline.requestRecord(repeated),
      { ...pipeline.requestRecord(repeated), headers: { 'x-pass': '1' } },
    ])
    await pipeline.untilSettled({ deadlineMs: 5_000 })
    const letters = await lettersSince(topics.requestedDeadLetter, lettersBefore, topics.requested('transactional'))
    assert.deepEqual(letters, [inLine('bad_header', valueOf(forged))])
    assert.deepEqual(await storyOf(forged.notificationId), [])
    assert.deepEqual(await storyOf(repeated.notificationId), ['duplicate/repeated_id', 'routed', 'sent'])
    // Its id is still free: the honest record is the first.
    await pipeline.request(forged)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(forged.notificationId), ['routed', 'sent'])
  })
})

describe('a channel topic', () => {
  test('gives poison and malformed headers to its channel’s dead letters', async () => {
    const userId = await someone()
    const topic = pipeline.topics.deliveries('email', 'transactional')
    const request = pipeline.requestRecord(anEmail({ userId }))
    await pipeline.publish([pipeline.requestRecord(anEmail({ userId }))])
    await pipeline.untilSettled()
    const command = (await pipeline.read(topic)).findLast(
      ({ key }) => Buffer.from(key ?? []).toString() === String(userId),
    )
    assert.ok(command !== undefined)

    const key = String(userId)
    const poison = [null, Buffer.from('x'), command.value?.subarray(0, -1) ?? null, request.value]
    const hops = ['', '0', '-1', 'two', '99999']
    await pipeline.publish([
      ...poison.map((value) => ({ topic, key, value, headers: {} })),
      ...hops.map((hop) => ({ topic, key, value: command.value, headers: { 'x-hop': hop } })),
    ])
    await pipeline.untilSettled()
    const letters = await lettersSince(pipeline.topics.deliveriesDeadLetter('email'), 0, topic)
    const reasons = ['empty_value', 'not_avro', 'undecodable', 'wrong_record_type']
    const expected = [
      ...poison.map((value, index) => inLine(reasons[index], value)),
      ...hops.map(() => inLine('bad_header', command.value)),
    ]
    assert.deepEqual(letters.toSorted(), expected.toSorted())
    assert.equal(inboxOf(userId).length, 1)
  })

  test('may bring a command again: it is sent once, and its status has the id that it had', async () => {
    const userId = await someone()
    const event = anEmail({ userId })
    await pipeline.request(event)
    await pipeline.untilSettled()
    const topic = pipeline.topics.deliveries('email', 'transactional')
    const commands = (await pipeline.read(topic)).filter(
      ({ key }) => Buffer.from(key ?? []).toString() === String(userId),
    )
    await pipeline.publish(commands)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['routed', 'sent', 'sent'])
    const sent = (await pipeline.statuses(event.notificationId)).filter(({ status }) => status === 'sent')
    assert.equal(new Set(sent.map(({ statusId }) => statusId)).size, 1)
    assert.equal(inboxOf(userId).length, 1)
  })
})

describe('after all of it', () => {
  test('every group has committed the end of every partition', async () => {
    await pipeline.untilSettled({ deadlineMs: 1_000 })
    assert.equal(await pipeline.unrouted('transactional'), 0)
  })
})
