/**
 * Copies Fanfare's status topic into one table: every status once, however often the topic has it, and however often
 * this program is killed and started again.
 *
 * Rows first, their offsets after them. A crash between the two reads the same records again, and the table's key
 * drops what is there. The first of several stays, for a repeat carries the time of its repetition.
 */
import { readFileSync } from 'node:fs'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type EachBatchPayload } from 'kafkajs'
import { Pool } from 'pg'

const { KAFKA_BROKERS = 'localhost:9092', REGISTRY_URL = 'http://localhost:8081', DATABASE_URL } = process.env
const { TOPIC = 'notifications.delivery-status', GROUP_ID = 'data-team.delivery-statuses' } = process.env

/** The fields that the table has; docs/contracts.md lists all. */
interface DeliveryStatus {
  statusId: string
  notificationId: string
  deliveryId: string | null
  userId: number
  source: string
  category: string
  channel: string | null
  lane: string
  status: string
  reason: string | null
  templateId: string | null
  templateVersion: number | null
  locale: string | null
  provider: string | null
  attempt: number
  segments: number | null
  linkId: string | null
  automatic?: boolean
  plannedDeliveries: number | null
  createdAt: number
  occurredAt: number
}

function rowOf(status: DeliveryStatus) {
  return {
    status_id: status.statusId,
    notification_id: status.notificationId,
    delivery_id: status.deliveryId,
    user_id: status.userId,
    source: status.source,
    category: status.category,
    channel: status.channel,
    lane: status.lane,
    status: status.status,
    reason: status.reason,
    template_id: status.templateId,
    template_version: status.templateVersion,
    locale: status.locale,
    provider: status.provider,
    attempt: status.attempt,
    segments: status.segments,
    link_id: status.linkId,
    // What was written before the field came does not have it.
    automatic: status.automatic ?? false,
    planned_deliveries: status.plannedDeliveries,
    created_at_ms: status.createdAt,
    occurred_at: new Date(status.occurredAt).toISOString(),
  }
}

const insert = `
  insert into delivery_statuses
  select * from json_populate_recordset(null::delivery_statuses, $1)
  on conflict (status_id) do nothing`

/** A malformed request is told in its own words, and Postgres's text takes no NUL. */
function withoutNul(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\u0000', '') : value
}

const registry = new SchemaRegistry({ host: REGISTRY_URL })
const database = new Pool({ connectionString: DATABASE_URL, max: 1 })
const kafka = new Kafka({ clientId: 'data-team', brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: GROUP_ID, allowAutoTopicCreation: false })

/** One statement for a batch, at most 1 MiB of records. What it throws is tried again by kafkajs, with a backoff. */
async function eachBatch({ batch }: EachBatchPayload): Promise<void> {
  const values = batch.messages.flatMap(({ value }) => (value === null ? [] : [value]))
  const statuses = await Promise.all(values.map((value) => registry.decode(value) as Promise<DeliveryStatus>))
  await database.query(insert, [JSON.stringify(statuses.map(rowOf), withoutNul)])
  const next = String(BigInt(batch.lastOffset()) + 1n)
  await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }])
}

// Some failures end the consumer and leave the process: then whoever started it has to start it again.
consumer.on(consumer.events.CRASH, ({ payload }) => void (payload.restart || process.exit(1)))
process.once('SIGTERM', () => void consumer.disconnect().then(() => database.end()))

await database.query(readFileSync(new URL('delivery-statuses.sql', import.meta.url), 'utf8'))
await consumer.connect()
await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
await consumer.run({ autoCommit: false, eachBatch })
