import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test, type TestContext } from 'node:test'
import { apnsTokenFor } from '../../src/local/simulator/apns.ts'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import { readText } from '../../src/domain/record-headers.ts'
import { setChannel } from '../support/builders/people.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

let pipeline: Pipeline

interface DeliveryRow {
  delivery_id: string
  channel: string
  address: string
  state: string
  reason: string | null
  attempt: number
  provider: string | null
  provider_message_id: string | null
}

function deliveriesOf(notificationId: string): Promise<DeliveryRow[]> {
  return pipeline.database.query<DeliveryRow>(
    `select delivery_id, channel, address, state, reason, attempt, provider, provider_message_id
     from deliveries where notification_id = $1 order by channel, address`,
    [notificationId],
  )
}

function callsTo(address: string) {
  return [...pipeline.simulator.ledger.entries({ address })]
}

/** `suppressed/opted_out sms`: what a status says, without ids and times. */
function inWords({ status, reason, channel }: DeliveryStatus): string {
  return [reason === null ? status : `${status}/${reason}`, channel].filter((word) => word !== null).join(' ')
}

async function storyOf(notificationId: string): Promise<string[]> {
  return (await pipeline.statuses(notificationId)).map(inWords).toSorted()
}

describe('an event', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await insertPerson(pipeline.database, { userId: 1, iosTokens: ['a1'.repeat(32)], androidTokens: ['android-1'] })
    await pipeline.start(['all'])
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('reaches the phones and the inbox with what its template says, and every step is a row and a status', async () => {
    const event = anEvent({ userId: 1 })
    await pipeline.request(event)
    await pipeline.untilSettled()

    const rows = await deliveriesOf(event.notificationId)
    const calls = rows.map(({ delivery_id }) => [...pipeline.simulator.ledger.entries({ deliveryId: delivery_id })])
    assert.deepEqual(
      calls.map((entries) => entries.map(({ provider, address, verdict }) => [provider, address, verdict])),
      [
        [['apns', 'a1'.repeat(32), 'accepted']],
        [['fcm', 'android-1', 'accepted']],
        [['twilio', phoneNumberOf(1), 'accepted']],
        [['sendgrid', emailOf(1), 'accepted']],
      ],
    )
    const said = calls.map(([entry]) => [entry?.content.title ?? entry?.content.subject, entry?.content.body])
    const body = 'You dreamed of it. We dared it. Umbrella is back since 1 October.'
    const text = 'Umbrella is back since 1 October.'
    assert.deepEqual(said, [
      ['Umbrella is back', body],
      ['Umbrella is back', body],
      [undefined, text],
      ['Umbrella is back', text],
    ])
    assert.deepEqual(
      rows.map(({ state, attempt, provider, provider_message_id }) => [state, attempt, provider, provider_message_id]),
      calls.map(([entry]) => ['sent', 1, entry?.provider, entry?.providerMessageId]),
    )
    assert.ok(rows.every(({ provider_message_id }) => provider_message_id !== null))
    assert.deepEqual(await storyOf(event.notificationId), [
      'routed',
      'sent android',
      'sent email',
      'sent ios',
      'sent sms',
    ])
    const statuses = await pipeline.statuses(event.notificationId)
    assert.equal(statuses.find(({ status }) => status === 'routed')?.plannedDeliveries, 4)
    assert.deepEqual(
      statuses.flatMap(({ deliveryId }) => deliveryId ?? []).toSorted(),
      rows.map(({ delivery_id }) => delivery_id).toSorted(),
    )
  })

  test('reaches every device of a person', async () => {
    const [iosTokens, androidTokens] = [['b1'.repeat(32), 'b2'.repeat(32)], ['android-b']]
    await insertPerson(pipeline.database, { userId: 2, iosTokens, androidTokens })
    await pipeline.request(anEvent({ userId: 2, channels: ['push'] }))
    await pipeline.untilSettled()
    for (const token of [...iosTokens, ...androidTokens]) assert.equal(callsTo(token).length, 1, token)
  })

  test('is suppressed on a channel that the person switched off, and nowhere else', async () => {
    await insertPerson(pipeline.database, { userId: 3 })
    await setChannel(pipeline.database, { userId: 3, channel: 'sms', optIn: false })
    const event = anEvent({ userId: 3, channels: ['sms', 'email'] })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['routed', 'sent email', 'suppressed/opted_out sms'])
    assert.deepEqual([callsTo(phoneNumberOf(3)).length, callsTo(emailOf(3)).length], [0, 1])
  })

  test('is suppressed where the person has no address', async () => {
    await insertPerson(pipeline.database, { userId: 4, phoneNumber: null })
    const event = anEvent({ userId: 4, channels: ['push', 'sms'] })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['suppressed/no_address push', 'suppressed/no_address sms'])
  })

  test('expires instead of arriving late', async () => {
    const createdAt = Date.now() - 60_000
    const event = anEvent({ userId: 1, createdAt, expiresAt: createdAt + 30_000 })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['expired/past_expiry'])
    assert.deepEqual(await deliveriesOf(event.notificationId), [])
  })

  test('fails for a user whom nobody knows', async () => {
    // Long enough ago that no sign-up can still be on its way.
    const event = anEvent({ userId: 999_999, createdAt: Date.now() - 121_000 })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['failed/unknown_user'])
  })

  test('fails for good where the provider says that the address is none, and the other deliveries arrive', async () => {
    const gone = apnsTokenFor('Unregistered', '05')
    await insertPerson(pipeline.database, { userId: 5, iosTokens: [gone], phoneNumber: '+15005550001' })
    const event = anEvent({ userId: 5 })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), [
      'failed/invalid_address sms',
      'failed/unregistered ios',
      'routed',
      'sent email',
    ])
    assert.deepEqual([callsTo(gone).length, callsTo('+15005550001').length, callsTo(emailOf(5)).length], [1, 1, 1])
    assert.deepEqual(
      (await deliveriesOf(event.notificationId)).map(({ state, reason }) => [state, reason]),
      [
        ['failed', 'unregistered'],
        ['failed', 'invalid_address'],
        ['sent', null],
      ],
    )
  })

  test('waits on the ladder after one call that the provider could not take, and is nobody’s dead letter', async () => {
    const { topics } = pipeline
    await insertPerson(pipeline.database, { userId: 6 })
    const match = { address: emailOf(6) }
    pipeline.simulator.faults.add({ provider: 'sendgrid', match, fault: { kind: 'status', status: 503 } })
    const event = anEvent({ userId: 6, channels: ['email'] })
    await pipeline.request(event)
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(event.notificationId), ['retrying/provider_unavailable email', 'routed'])
    assert.equal(callsTo(emailOf(6)).length, 1)
    const [waiting, ...others] = await pipeline.read(topics.retry('transactional', '10s'))
    assert.deepEqual(others, [])
    const headers = ['x-channel', 'x-hop', 'x-attempt'].map((name) => readText(waiting?.headers ?? {}, name))
    assert.deepEqual(headers, ['email', '2', '1'])
    const sources = await pipeline.read(topics.deliveries('email', 'transactional'))
    const source = sources.find(({ value }) => value !== null && Buffer.from(value).includes(event.notificationId))
    assert.deepEqual([waiting?.value, waiting?.key], [source?.value, source?.key])
    assert.deepEqual(await pipeline.read(topics.deliveriesDeadLetter('email')), [])
  })
})

describe('a role', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  /** A role that ends with its test, however that ends: the next one starts its own. */
  async function started(context: TestContext, command: readonly string[]): Promise<RoleProcess> {
    const role = await pipeline.start([...command, '--lane', 'transactional'])
    context.after(() => role.stop())
    return role
  }

  test('answers probes and scrapes on its admin port', async (context) => {
    const router = await started(context, ['router'])
    await insertPerson(pipeline.database, { userId: 1, email: null, phoneNumber: null })
    await pipeline.request(anEvent({ userId: 1, channels: ['sms'] }))
    await pipeline.untilRouted()
    assert.equal((await router.admin('/readyz')).status, 200)
    assert.equal((await router.admin('/livez')).status, 200)
    const { status, body } = await router.admin('/metrics')
    assert.equal(status, 200)
    const group = pipeline.topics.group('router', 'transactional')
    const topic = pipeline.topics.requested('transactional')
    const lines = body.split('\n')
    for (const line of [
      `fanfare_consumer_consumed_records_total{group="${group}",topic="${topic}"} 1`,
      `fanfare_consumer_lag_messages{group="${group}",topic="${topic}"} 0`,
      `fanfare_statuses_total{status="suppressed",reason="no_address"} 1`,
    ]) {
      assert.ok(lines.includes(line), `${line} is not among what was scraped`)
    }
    assert.ok(lines.some((line) => line.startsWith('fanfare_process_cpu_seconds_total ')))
  })

  test('that sends asks the settings again: who opts out behind the router hears nothing', async (context) => {
    await started(context, ['router'])
    await insertPerson(pipeline.database, { userId: 2 })
    await insertPerson(pipeline.database, { userId: 3 })
    const [out, stays] = [anEvent({ userId: 2, channels: ['sms'] }), anEvent({ userId: 3, channels: ['sms'] })]
    await pipeline.request(out, stays)
    await pipeline.untilRouted()
    await setChannel(pipeline.database, { userId: 2, channel: 'sms', optIn: false })
    await started(context, ['sender', '--channel', 'sms'])
    await pipeline.untilSettled()
    assert.deepEqual(await storyOf(out.notificationId), ['routed', 'suppressed/opted_out sms'])
    assert.deepEqual(await storyOf(stays.notificationId), ['routed', 'sent sms'])
    assert.deepEqual([callsTo(phoneNumberOf(2)).length, callsTo(phoneNumberOf(3)).length], [0, 1])
  })

  test('that sends ends at SIGTERM with its calls answered, and its successor repeats and forgets nothing', async (context) => {
    const users = Array.from({ length: 300 }, (_, index) => 1_000 + index)
    for (const userId of users) await insertPerson(pipeline.database, { userId })
    pipeline.simulator.faults.setBaseLatency('twilio', 400)
    await started(context, ['router'])
    const sender = await started(context, ['sender', '--channel', 'sms'])
    const events = users.map((userId) => anEvent({ userId, channels: ['sms'] }))
    const before = pipeline.simulator.ledger.summary().total
    await pipeline.request(...events)
    const calls = () => [...pipeline.simulator.ledger.entries({ provider: 'twilio', since: before })]
    const inFlight = () => calls().filter(({ answeredAtMs }) => answeredAtMs === null).length
    await eventually(async () => (inFlight() >= 50 ? undefined : `${inFlight()} calls in flight`))
    await sender.stop()

    assert.equal(inFlight(), 0)
    const stopped = calls().length
    assert.ok(stopped < users.length, 'it was stopped too late to prove anything')
    const [left] = await pipeline.database.query<{ count: string }>(
      `select count(*) from deliveries where state = 'claimed'`,
    )
    assert.equal(left?.count, '0')

    await started(context, ['sender', '--channel', 'sms'])
    await pipeline.untilSettled()
    assert.deepEqual(
      calls()
        .map(({ address }) => address)
        .toSorted(),
      users.map(phoneNumberOf).toSorted(),
    )
    const stories = Map.groupBy(await pipeline.statuses(), ({ notificationId }) => notificationId)
    for (const { notificationId } of events) {
      assert.deepEqual(stories.get(notificationId)?.map(inWords), ['routed', 'sent sms'])
    }
  })
})
