/**
 * A producer of notification events as a company's services have one: the public record through the registry, keyed by
 * the user. For commands, the demo and tests; Fanfare's roles never ask for notifications themselves.
 */
import type { Lane } from '../domain/channel.ts'
import type { NotificationCancelled, NotificationRequested } from '../domain/notification.ts'
import type { OutgoingRecord } from '../domain/record.ts'
import type { TopicNames } from '../domain/topic-names.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { startRecordProducer } from '../kafka/record-producer.ts'
import { createAvroWriter } from '../kafka/registry/avro-writer.ts'
import { createRegistryClient, type RegistryConnection } from '../kafka/registry/registry-client.ts'
import { subjectOf } from '../kafka/topic-schemas.ts'

export interface LanedEvent {
  lane: Lane
  event: NotificationRequested
}

export interface LanedCancel {
  /** Its request's: on another it may overtake the request. */
  lane: Lane
  cancel: NotificationCancelled
}

export interface EventProducer {
  /** Resolves when the broker has acknowledged all of them. Throws DependencyUnavailable: some may be stored. */
  publish(events: readonly LanedEvent[]): Promise<void>
  /** As `publish`. */
  cancel(cancels: readonly LanedCancel[]): Promise<void>
  close(): Promise<void>
}

export interface EventProducerOptions {
  kafka: KafkaConnection
  registry: RegistryConnection
  topics: TopicNames
}

/** Connects. Throws SchemaNotRegistered, or DependencyUnavailable when the broker or the registry is away. */
export async function startEventProducer({ kafka, registry, topics }: EventProducerOptions): Promise<EventProducer> {
  const client = createRegistryClient(registry)
  const writerOf = (record: 'NotificationRequested' | 'NotificationCancelled') =>
    createAvroWriter({ registry: client, record, subject: subjectOf(topics.requested('transactional'), record) })
  const [requests, cancellations] = await Promise.all([
    writerOf('NotificationRequested'),
    writerOf('NotificationCancelled'),
  ])
  const producer = await startRecordProducer(kafka)
  const recordOf = (lane: Lane, userId: number, value: Uint8Array): OutgoingRecord => ({
    topic: topics.requested(lane),
    key: String(userId),
    value,
    headers: {},
  })
  return {
    publish: (events) =>
      producer.send(events.map(({ lane, event }) => recordOf(lane, event.userId, requests.encode(event)))),
    cancel: (cancels) =>
      producer.send(cancels.map(({ lane, cancel }) => recordOf(lane, cancel.userId, cancellations.encode(cancel)))),
    close: () => producer.close(),
  }
}
