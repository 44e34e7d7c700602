import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { readText } from '../../src/domain/record-headers.ts'
import { deadLetterRecord } from '../../src/kafka/dead-letter.ts'
import { aConsumedRecord } from '../support/builders/consumed-records.ts'
import { anEvent, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline

const run = (...args: string[]) => runCommand(pipeline, args)

/** Runs a command that must succeed, and shows nobody's address. */
async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  assert.equal(code, 0, stderr)
  assert.doesNotMatch(stdout + stderr, /\+1415|@example|Umbrella/)
  return stdout
}

const callsOf = (userId: number, verdict?: 'accepted') =>
  [
    ...pipeline.simulator.ledger.entries({
      address: phoneNumberOf(userId),
      ...(verdict === undefined ? {} : { verdict }),
    }),
  ].length

async function rowOf({ notificationId }: NotificationRequested) {
  const [row] = await pipeline.database.query<{
    delivery_id: string
    state: string
    reason: string | null
    hop: number
  }>('select delivery_id, state, reason, hop from deliveries where notification_id = $1', [notificationId])
  return row
}

function untilRow(event: NotificationRequested, state: string, reason: string | null = null): Promise<void> {
  return eventually(async () => {
    const row = await rowOf(event)
    return row?.state === state && row.reason === reason ? undefined : `${state}: ${JSON.stringify(row)}`
  })
}

/** An SMS to a person of its own, over a provider that behaves so. */
async function request(userId: number, fault?: { kind: 'status'; status: number } | { kind: 'reset'; when: 'after' }) {
  const match = { address: phoneNumberOf(userId) }
  if (fault !== undefined) pipeline.simulator.faults.add({ provider: 'twilio', match, times: 1, fault })
  await insertPerson(pipeline.database, { userId })
  const event = anEvent({ userId, channels: ['sms'] })
  await pipeline.request(event)
  return event
}

async function actionsOn(target: string) {
  return pipeline.database.query<{ operator: string; choices: object; counts: Record<string, number> | null }>(
    'select operator, choices, counts from operator_actions where target = $1 order by started_at',
    [target],
  )
}

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.database.query(`update categories set attempts = '{"sms": 1}', unknown_policy = 'hold'`)
  await pipeline.start(['all'])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

describe('a delivery that ran out of attempts', () => {
  let event: NotificationRequested

  before(async () => {
    event = await request(1, { kind: 'status', status: 503 })
    await untilRow(event, 'failed', 'attempts_exhausted')
    await pipeline.untilSettled()
  })

  test('is listed with what it has in common with others, and shown without its address', async () => {
    const list = await done('dlq', 'list', 'sms', '--reason', 'attempts_exhausted')
    assert.match(list, /sms +attempts_exhausted +twilio +back-in-stock +receipt +1 /)
    const [, partition = '', offset = ''] = / (\d+) (\d+)$/m.exec(list) ?? []
    const shown = await done('dlq', 'show', 'sms', partition, offset)
    const { delivery_id: deliveryId } = (await rowOf(event))!
    for (const part of [deliveryId, event.notificationId, 'failed, attempts_exhausted; hop 1, attempts 1', 'x-hop=1']) {
      assert.ok(shown.includes(part), `${part} in:\n${shown}`)
    }
    assert.equal(await done('dlq', 'list', 'sms', '--provider', 'nobody'), 'no dead letters\n')
  })

  test('is left alone by a rehearsal, which leaves no trace', async () => {
    assert.match(await done('dlq', 'redrive', 'sms', '--dry-run'), /dry run: would bring back 1 of 1/)
    await pipeline.untilSettled()
    assert.equal(callsOf(1), 1)
    assert.deepEqual(await actionsOn(pipeline.topics.deliveriesDeadLetter('sms')), [])
  })

  test('is brought back, accepted once, and recorded', async () => {
    assert.match(await done('dlq', 'redrive', 'sms', '--as', 'ada'), /brought back 1 of 1/)
    await untilRow(event, 'sent')
    await pipeline.untilSettled()
    assert.deepEqual([callsOf(1), callsOf(1, 'accepted'), (await rowOf(event))?.hop], [2, 1, 2])
    const [action] = await actionsOn(pipeline.topics.deliveriesDeadLetter('sms'))
    assert.deepEqual([action?.operator, action?.counts?.['redriven']], ['ada', 1])
    assert.equal((await pipeline.statuses(event.notificationId)).filter(({ status }) => status === 'sent').length, 1)
  })

  test('is not sent again by a further redrive, not even from the start', async () => {
    assert.match(await done('dlq', 'redrive', 'sms'), /brought back 0 of 0/)
    const again = await done('dlq', 'redrive', 'sms', '--from-start')
    assert.match(again, /brought back 0 of 1\n {2}1 stay: their delivery has ended otherwise since/)
    await pipeline.untilSettled()
    assert.equal(callsOf(1), 2)
  })
})

test('a delivery whose redrive is published twice is accepted once', async () => {
  const event = await request(2, { kind: 'status', status: 503 })
  await untilRow(event, 'failed', 'attempts_exhausted')
  await pipeline.untilSettled()
  const redrives = ['--since', '1h', '--category', 'receipt']
  await Promise.all([done('dlq', 'redrive', 'sms'), done('dlq', 'redrive', 'sms', ...redrives)])
  await untilRow(event, 'sent')
  await pipeline.untilSettled()
  assert.equal(callsOf(2, 'accepted'), 1)
})

test('a request that can be read by now is routed as if new; what cannot be, or lies about its origin, stays', async () => {
  const { requestedDeadLetter, requested } = pipeline.topics
  await insertPerson(pipeline.database, { userId: 3 })
  const event = anEvent({ userId: 3, channels: ['sms'] })
  const { key, value } = pipeline.requestRecord(event)
  const source = aConsumedRecord({ topic: requested('transactional'), key: Buffer.from(String(key)), value })
  const forged = { ...source, topic: pipeline.topics.deliveries('sms', 'transactional') }
  const broken = { ...source, value: Buffer.from('nothing of ours') }
  await pipeline.publish(
    [source, forged, broken].map((record) =>
      deadLetterRecord(requestedDeadLetter, record, 'unknown_schema_id', 'Error CODE'),
    ),
  )
  const output = await done('dlq', 'redrive', 'requested')
  assert.match(output, /brought back 1 of 3\n {2}1 stay: they cannot be read.*\n {2}1 stay: they do not say where/)
  await untilRow(event, 'sent')
  assert.equal(callsOf(3, 'accepted'), 1)
  const routed = (await pipeline.read(requested('transactional'))).find(
    (record) => record.value !== null && value !== null && Buffer.compare(record.value, value) === 0,
  )
  assert.deepEqual(
    ['x-redrive', 'x-reason', 'x-error', 'x-original-topic'].map((name) => readText(routed?.headers ?? {}, name)),
    ['1', undefined, undefined, undefined],
  )
})

describe('a delivery of which nobody knows whether it was accepted', () => {
  async function hold(userId: number) {
    const event = await request(userId, { kind: 'reset', when: 'after' })
    await untilRow(event, 'unknown', 'ambiguous')
    const { delivery_id: deliveryId } = (await rowOf(event))!
    return { event, deliveryId }
  }

  test('is listed, sent again when a person says so, and decided about once', async () => {
    const { event, deliveryId } = await hold(4)
    assert.ok((await done('deliveries', 'list', '--state', 'unknown', '--channel', 'sms')).includes(deliveryId))
    assert.match(await done('deliveries', 'resolve', deliveryId, '--resend', '--as', 'ada'), /sent again, as hop 2/)
    await untilRow(event, 'sent')
    assert.equal(callsOf(4), 2)
    const refused = await run('deliveries', 'resolve', deliveryId, '--resend')
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.match(refused.stderr, /is sent, not unknown/)
    assert.equal(callsOf(4), 2)
    assert.deepEqual(
      (await actionsOn(deliveryId)).map(({ operator, choices }) => [operator, choices]),
      [['ada', { resolution: 'resend' }]],
    )
  })

  test('is settled as sent when a person says so: no further call, and its status is out', async () => {
    const { event, deliveryId } = await hold(5)
    assert.equal(await done('deliveries', 'resolve', deliveryId, '--sent'), `${deliveryId} is sent\n`)
    await untilRow(event, 'sent')
    const words = (await pipeline.statuses(event.notificationId)).map(({ status }) => status)
    assert.deepEqual(words, ['routed', 'unknown', 'sent'])
    assert.equal(callsOf(5), 1)
  })
})

test('a delivery whose time has long been over is settled by maintenance, once, with its status', async () => {
  const event = await request(6, { kind: 'reset', when: 'after' })
  await untilRow(event, 'unknown', 'ambiguous')
  await pipeline.database.query(
    `update deliveries set state = 'retrying', expires_at = now() - interval '2 h' where notification_id = $1`,
    [event.notificationId],
  )
  assert.match(await done('maintain'), /settled 1 deliveries as expired/)
  // The hour's funnel is counted again in every process; nothing else is left to do.
  assert.match(await done('maintain'), /^counted \d+ hours of the funnel\n$/)
  await untilRow(event, 'expired', 'past_expiry')
  const last = (await pipeline.statuses(event.notificationId)).at(-1)
  assert.deepEqual([last?.status, last?.reason], ['expired', 'past_expiry'])
  const again = await runCommand(pipeline, ['maintain', '--every', '1h'], { terminateAt: /hours of the funnel/ })
  assert.deepEqual([again.code, again.stderr], [0, ''], 'SIGTERM ends the rounds')
})
