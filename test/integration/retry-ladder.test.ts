import assert from 'node:assert/strict'
import { afterEach, describe, test, type TestContext } from 'node:test'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

/** The rung, its jitter, the second that the retry role may take, and one for the way there and back. */
const rungMs = 10_000
const latestMs = rungMs * 1.1 + 1_000 + 1_000
const patienceMs = 40_000

const pipelines = new Set<Pipeline>()
afterEach((context) => {
  for (const pipeline of pipelines) pipeline.showLogs(context)
})

async function pipelineOf(context: TestContext): Promise<Pipeline> {
  const pipeline = await startPipeline()
  pipelines.add(pipeline)
  context.after(async () => {
    pipelines.delete(pipeline)
    await pipeline.stop()
  })
  await insertCatalogue(pipeline.database)
  await insertPerson(pipeline.database, { userId: 1 })
  return pipeline
}

const callsOf = (pipeline: Pipeline) => [...pipeline.simulator.ledger.entries({})]
const acceptedOf = (pipeline: Pipeline) => callsOf(pipeline).filter(({ verdict }) => verdict === 'accepted')

function inWords({ status, reason, attempt }: DeliveryStatus): string {
  return `${reason === null ? status : `${status}/${reason}`} ${attempt}`
}

describe('a delivery that the provider could not take now', { concurrency: true }, () => {
  test('is tried again when its rung is over, never early and hardly late, and arrives once', async (context) => {
    const pipeline = await pipelineOf(context)
    await pipeline.start(['all'])
    const match = { address: emailOf(1) }
    pipeline.simulator.faults.add({ provider: 'sendgrid', match, times: 1, fault: { kind: 'status', status: 503 } })
    const event = anEvent({ userId: 1, channels: ['email'] })
    await pipeline.request(event)
    await eventually(async () => (acceptedOf(pipeline).length > 0 ? undefined : 'an accepted call'), patienceMs)
    await pipeline.untilSettled()
    const calls = callsOf(pipeline)
    assert.deepEqual(
      calls.map(({ verdict }) => verdict),
      ['refused', 'accepted'],
    )
    const [first, second] = calls.map(({ receivedAtMs }) => receivedAtMs)
    const waitedMs = (second ?? 0) - (first ?? 0)
    assert.ok(waitedMs >= rungMs && waitedMs <= latestMs, `waited ${waitedMs} ms`)
    const statuses = (await pipeline.statuses(event.notificationId)).map(inWords)
    assert.deepEqual(statuses.toSorted(), ['retrying/provider_unavailable 1', 'routed 0', 'sent 2'])
  })

  test('waits over a restart and a rebalance of the retry role, and is not early for them', async (context) => {
    const pipeline = await pipelineOf(context)
    const lane = ['--lane', 'transactional']
    const [retry] = await Promise.all([
      pipeline.start(['retry', ...lane]),
      pipeline.start(['router', ...lane]),
      pipeline.start(['sender', '--channel', 'sms', ...lane]),
    ])
    const match = { address: phoneNumberOf(1) }
    pipeline.simulator.faults.add({ provider: 'twilio', match, times: 1, fault: { kind: 'status', status: 503 } })
    const event = anEvent({ userId: 1, channels: ['sms'] })
    await pipeline.request(event)
    await eventually(async () => (callsOf(pipeline).length > 0 ? undefined : 'a first call'), patienceMs)
    await retry.kill()
    await Promise.all([pipeline.start(['retry', ...lane]), pipeline.start(['retry', ...lane])])
    const due = await pipeline.database.query<{ next_due_at: Date; state: string }>(
      'select next_due_at, state from deliveries where notification_id = $1',
      [event.notificationId],
    )
    assert.deepEqual(
      due.map(({ state }) => state),
      ['retrying'],
    )
    await eventually(async () => (acceptedOf(pipeline).length > 0 ? undefined : 'an accepted call'), patienceMs)
    await pipeline.untilSettled()
    const [accepted, ...others] = acceptedOf(pipeline)
    assert.deepEqual(others, [], 'once')
    assert.ok((accepted?.receivedAtMs ?? 0) >= Number(due[0]?.next_due_at), 'not early')
  })
})
