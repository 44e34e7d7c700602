import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import avsc from 'avsc'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

let pipeline: Pipeline

describe('the status topic', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await insertPerson(pipeline.database, { userId: 7 })
    await pipeline.start(['router', '--lane', 'transactional'])
    await pipeline.start(['sender', '--channel', 'sms', '--lane', 'transactional'])
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('is read by whoever knows Avro and the registry’s address, without a line of ours', async () => {
    const event = anEvent({ userId: 7, channels: ['sms'] })
    await pipeline.request(event)
    await pipeline.untilSettled()
    const records = await pipeline.read(pipeline.topics.deliveryStatus)
    const values = records.map(({ value }) => Buffer.from(value ?? []))

    // Confluent's wire format: a zero, four bytes of schema id, the Avro body to the end.
    assert.deepEqual(new Set(values.map((value) => value[0])), new Set([0]))
    const [schemaId, ...otherIds] = new Set(values.map((value) => value.readUInt32BE(1)))
    assert.deepEqual(otherIds, [])
    const answer = await fetch(`${readStackEnvironment().registryUrl}/schemas/ids/${schemaId}`)
    const { schema } = (await answer.json()) as { schema: string }
    const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
    const statuses = values.map((value) => type.fromBuffer(value.subarray(5)) as Record<string, unknown>)

    const shared = {
      notificationId: event.notificationId,
      userId: 7,
      source: 'shop',
      lane: 'transactional',
      reason: null,
    }
    const [routed, sent, ...more] = statuses
    assert.deepEqual(more, [])
    assertHolds(routed, {
      ...shared,
      status: 'routed',
      channel: null,
      plannedDeliveries: 1,
      createdAt: event.createdAt,
    })
    assertHolds(sent, { ...shared, status: 'sent', channel: 'sms', provider: 'twilio', attempt: 1, segments: 1 })
    for (const { key } of records) assert.equal(Buffer.from(key ?? []).toString(), event.notificationId)
  })
})

function assertHolds(actual: Record<string, unknown> | undefined, expected: Record<string, unknown>): void {
  assert.deepEqual({ ...actual, ...expected }, { ...actual })
}
