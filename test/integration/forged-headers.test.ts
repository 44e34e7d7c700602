import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import type { ConsumedRecord, RecordHeaders } from '../../src/domain/record.ts'
import { readText } from '../../src/domain/record-headers.ts'
import { anEmail, emailOf, insertCatalogue, insertNewcomer, phoneNumberOf } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const dayMs = 86_400_000
const patienceMs = 40_000

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.start(['all'])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

const someone = () => insertNewcomer(pipeline.database)
const emailTopic = () => pipeline.topics.deliveries('email', 'transactional')
const retryTopic = () => pipeline.topics.retry('transactional', '10s')
const verdictsOf = (userId: number) =>
  [...pipeline.simulator.ledger.entries({ address: emailOf(userId) })].map(({ verdict }) => verdict)

/** The command that the router wrote for the person's email. */
async function commandFor(userId: number): Promise<ConsumedRecord> {
  const records = await pipeline.read(emailTopic())
  const command = records.find(({ key }) => Buffer.from(key ?? []).toString() === String(userId))
  assert.ok(command !== undefined)
  return command
}

async function forge(topic: string, { key, value }: ConsumedRecord, ...all: readonly RecordHeaders[]): Promise<void> {
  await pipeline.publish(all.map((headers) => ({ topic, key, value, headers })))
}

/** Why the letters of these bytes are where they are. */
async function reasonsIn(topic: string, { value }: ConsumedRecord): Promise<(string | undefined)[]> {
  const letters = (await pipeline.read(topic)).filter(
    (letter) => Buffer.compare(letter.value ?? Buffer.of(), value ?? Buffer.of()) === 0,
  )
  return letters.map(({ headers }) => readText(headers, 'x-reason'))
}

async function untilInDeadLetters(
  topic: string,
  record: ConsumedRecord,
  count: number,
): Promise<(string | undefined)[]> {
  await eventually(
    async () => ((await reasonsIn(topic, record)).length >= count ? undefined : `${count} dead letters`),
    patienceMs,
  )
  return reasonsIn(topic, record)
}

async function sentEmail(): Promise<{ userId: number; command: ConsumedRecord; event: NotificationRequested }> {
  const userId = await someone()
  const event = anEmail({ userId })
  await pipeline.request(event)
  await pipeline.untilSettled()
  assert.deepEqual(verdictsOf(userId), ['accepted'])
  return { userId, event, command: await commandFor(userId) }
}

/** The one row of a notification. */
async function deliveryOf({ notificationId }: NotificationRequested): Promise<{ state: string; hop: number }> {
  const rows = await pipeline.database.query<{ state: string; hop: number }>(
    'select state::text, hop from deliveries where notification_id = $1',
    [notificationId],
  )
  const [row] = rows
  assert.ok(row !== undefined && rows.length === 1)
  return row
}

describe('on a channel topic', () => {
  test('no hop, attempt, redrive or due time sends again what was sent', async () => {
    const { userId, command, event } = await sentEmail()
    await forge(
      emailTopic(),
      command,
      { 'x-hop': '2' },
      { 'x-hop': '2', 'x-redrive': '1' },
      { 'x-hop': '9999', 'x-attempt': '3', 'x-redrive': '999999999999999' },
      { 'x-hop': '1', 'x-due-at': '0' },
      { 'x-due-at': '999999999999999' },
    )
    await pipeline.untilSettled()
    assert.deepEqual(verdictsOf(userId), ['accepted'])
    assert.deepEqual(await deliveryOf(event), { state: 'sent', hop: 1 })
    const statuses = await pipeline.statuses(event.notificationId)
    assert.deepEqual(new Set(statuses.map(({ status }) => status)), new Set(['routed', 'sent']))
    assert.equal(new Set(statuses.map(({ statusId }) => statusId)).size, 2, 'each under the id that it had')
  })

  test('a malformed header sets its record aside, and nothing is sent for it', async () => {
    const { userId, command } = await sentEmail()
    await forge(
      emailTopic(),
      command,
      { 'x-hop': 'two' },
      { 'x-redrive': '-1' },
      { 'x-due-at': 'soon' },
      { 'x-hop': '1', 'x-attempt': '5' },
    )
    await pipeline.untilSettled()
    const reasons = await reasonsIn(pipeline.topics.deliveriesDeadLetter('email'), command)
    assert.deepEqual(reasons, ['bad_header', 'bad_header', 'bad_header', 'bad_header'])
    assert.deepEqual(verdictsOf(userId), ['accepted'])
  })

  test('a waiting delivery is not sent by a gap in its hops or a redrive, and by a forged next hop instead of its own', async () => {
    const userId = await someone()
    const match = { address: emailOf(userId) }
    pipeline.simulator.faults.add({ provider: 'sendgrid', match, times: 1, fault: { kind: 'status', status: 503 } })
    const event = anEmail({ userId })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await deliveryOf(event), { state: 'retrying', hop: 1 })
    const command = await commandFor(userId)
    await forge(
      emailTopic(),
      command,
      { 'x-hop': '3' },
      { 'x-hop': '1', 'x-redrive': '1' },
      { 'x-hop': '7', 'x-redrive': '2' },
    )
    await pipeline.untilSettled()
    assert.deepEqual(verdictsOf(userId), ['refused'])
    assert.deepEqual(await reasonsIn(pipeline.topics.deliveriesDeadLetter('email'), command), ['no_row', 'no_row'])

    await forge(emailTopic(), command, { 'x-hop': '2', 'x-attempt': '1' })
    await pipeline.untilSettled()
    assert.deepEqual(verdictsOf(userId), ['refused', 'accepted'])
    // Its own record, and the copy that hop 1 made of it, find their hop taken when the rung is over.
    await eventually(async () => ((await copiesOf(command)) >= 7 ? undefined : 'the true next hop, twice'), patienceMs)
    await pipeline.untilSettled()
    assert.deepEqual(verdictsOf(userId), ['refused', 'accepted'])
    assert.deepEqual(await deliveryOf(event), { state: 'sent', hop: 2 })
  })

  /** Records of the channel topic with these bytes. */
  async function copiesOf({ value }: ConsumedRecord): Promise<number> {
    const records = await pipeline.read(emailTopic())
    return records.filter((record) => Buffer.compare(record.value ?? Buffer.of(), value ?? Buffer.of()) === 0).length
  }

  test('a command whose row is gone is set aside as no_row, and is not sent', async () => {
    const { userId, command, event } = await sentEmail()
    await pipeline.database.query('delete from deliveries where notification_id = $1', [event.notificationId])
    await forge(emailTopic(), command, {}, { 'x-hop': '1', 'x-redrive': '1' })
    await pipeline.untilSettled()
    const reasons = await reasonsIn(pipeline.topics.deliveriesDeadLetter('email'), command)
    assert.deepEqual(reasons, ['no_row', 'no_row'])
    assert.deepEqual(verdictsOf(userId), ['accepted'])
  })
})

describe('on a retry topic', () => {
  const channel = { 'x-channel': 'email' }

  test('what cannot be read, or lies beyond every life, is set aside and holds nothing', async () => {
    const { userId, command } = await sentEmail()
    const farAway = String(Date.now() + 30 * dayMs)
    await forge(
      retryTopic(),
      command,
      { ...channel },
      { ...channel, 'x-due-at': 'soon' },
      { ...channel, 'x-due-at': '0', 'x-hop': 'two' },
      { ...channel, 'x-due-at': '0', 'x-redrive': 'often' },
      { ...channel, 'x-due-at': farAway, 'x-hop': '2' },
      { 'x-channel': 'pigeon', 'x-due-at': '0' },
    )
    const reasons = await untilInDeadLetters(pipeline.topics.retryDeadLetter, command, 6)
    assert.deepEqual(new Set(reasons), new Set(['bad_header']))
    assert.equal(reasons.length, 6)
    assert.deepEqual(verdictsOf(userId), ['accepted'])
  })

  test('a forged due time brings a record back at once, and its row decides', async () => {
    const { userId, command, event } = await sentEmail()
    await forge(
      retryTopic(),
      command,
      { ...channel, 'x-due-at': '0', 'x-hop': '5' },
      { ...channel, 'x-due-at': '1', 'x-hop': '2', 'x-redrive': '1' },
    )
    // Hop 2 by a redrive finds a final row, whose status is published again; hop 5 finds none that it could follow.
    const countOf = async () => (await pipeline.statuses(event.notificationId)).length
    await eventually(async () => ((await countOf()) >= 3 ? undefined : 'its status once more'), patienceMs)
    const reasons = await untilInDeadLetters(pipeline.topics.deliveriesDeadLetter('email'), command, 1)
    assert.deepEqual(reasons, ['no_row'])
    assert.deepEqual(verdictsOf(userId), ['accepted'])
    assert.deepEqual(await deliveryOf(event), { state: 'sent', hop: 1 })
  })

  test('a forged channel sends nothing over it: the command is another’s', async () => {
    const { userId, command, event } = await sentEmail()
    await pipeline.database.query(`update deliveries set state = 'routed', hop = 0 where notification_id = $1`, [
      event.notificationId,
    ])
    await forge(retryTopic(), command, { 'x-channel': 'sms', 'x-due-at': '0', 'x-hop': '1' })
    const reasons = await untilInDeadLetters(pipeline.topics.deliveriesDeadLetter('sms'), command, 1)
    assert.deepEqual(reasons, ['data_error'])
    assert.deepEqual(verdictsOf(userId), ['accepted'])
    assert.deepEqual([...pipeline.simulator.ledger.entries({ address: phoneNumberOf(userId) })], [])
  })
})

describe('on a requested topic', () => {
  test('hop, attempt, redrive and due time mean nothing: the event is routed as any other', async () => {
    const userId = await someone()
    const events = [anEmail({ userId }), anEmail({ userId }), anEmail({ userId })]
    const headers = [
      { 'x-hop': '7', 'x-attempt': '6' },
      { 'x-redrive': 'minus one' },
      { 'x-due-at': String(Date.now() + dayMs), 'x-redrive': '3' },
    ]
    await pipeline.publish(
      events.map((event, index) => ({ ...pipeline.requestRecord(event), headers: headers[index] ?? {} })),
    )
    await pipeline.untilSettled()
    assert.deepEqual(verdictsOf(userId), ['accepted', 'accepted', 'accepted'])
  })
})

describe('a row whose command never came', () => {
  test('is reported as stuck, and expires with its status when its time is over', async () => {
    const { event } = await sentEmail()
    // As the router left it, two hours ago; its channel topic has lost the record.
    const [delivery] = await pipeline.database.query<{ delivery_id: string }>(
      `update deliveries set state = 'routed', hop = 0, attempt = 0, provider = null, provider_message_id = null,
         updated_at = now() - interval '2 hours'
       where notification_id = $1 returning delivery_id`,
      [event.notificationId],
    )
    const stuck = await runCommand(pipeline, ['maintain'])
    assert.equal(stuck.code, 0, stuck.stderr)
    assert.match(stuck.stdout, new RegExp(`stuck: [^]*${delivery?.delivery_id} +email +routed`))
    assert.deepEqual(await deliveryOf(event), { state: 'routed', hop: 0 })

    await pipeline.database.query(
      `update deliveries set expires_at = now() - interval '61 minutes' where notification_id = $1`,
      [event.notificationId],
    )
    const swept = await runCommand(pipeline, ['maintain'])
    assert.equal(swept.code, 0, swept.stderr)
    assert.equal((await deliveryOf(event)).state, 'expired')
    const statuses = await pipeline.statuses(event.notificationId)
    assert.ok(statuses.some(({ status, reason }) => status === 'expired' && reason === 'past_expiry'))
  })
})
