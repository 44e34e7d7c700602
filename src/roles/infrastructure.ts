/**
 * What every role of a process shares: log, metrics and producer; and what those share that touch deliveries: schemas, database.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import type { Configuration } from '../config.ts'
import type { Digest } from '../domain/identity.ts'
import { topicNames, type TopicNames } from '../domain/topic-names.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { startRecordProducer, type RecordProducer } from '../kafka/record-producer.ts'
import { createAvroWriter, type AvroWriter } from '../kafka/registry/avro-writer.ts'
import { createRegistryClient } from '../kafka/registry/registry-client.ts'
import { createSchemaStore, type SchemaStore } from '../kafka/registry/schema-store.ts'
import { subjectOf } from '../kafka/topic-schemas.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { createConsumerMetrics, type ConsumerMetrics } from '../telemetry/consumer-metrics.ts'
import { createDeliveryMetrics, type DeliveryMetrics } from '../telemetry/delivery-metrics.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Registry } from 'prom-client'

/** The sections that every role reads. */
export const sharedSections = ['kafka', 'topics', 'consumer', 'admin', 'log'] as const
export type SharedConfiguration = Pick<Configuration, (typeof sharedSections)[number]>

/** What a role needs that touches only Kafka. */
export interface Infrastructure {
  role: string
  configuration: SharedConfiguration
  log: Logger
  registry: Registry
  consumerMetrics: ConsumerMetrics
  topics: TopicNames
  kafka: KafkaConnection
  producer: RecordProducer
  /** This process, new at every start. */
  processId: string
  /** The wall clock, Unix ms: for moments that others read. Durations are measured on the monotonic one. */
  now(): number
  /** Ends the process: it cannot go on. */
  fatal(error: Error): void
  close(): Promise<void>
}

export interface InfrastructureOptions {
  role: string
  configuration: SharedConfiguration
  log: Logger
  metricsRegistry: Registry
  fatal(error: Error): void
}

export async function openInfrastructure(options: InfrastructureOptions): Promise<Infrastructure> {
  const { role, configuration, log, metricsRegistry, fatal } = options
  const kafka: KafkaConnection = {
    brokers: configuration.kafka.brokers,
    clientId: `fanfare-${role}`,
    log: (level, line, detail) => log[level](detail, line),
  }
  const producer = await startRecordProducer(kafka)
  return {
    role,
    configuration,
    log,
    registry: metricsRegistry,
    consumerMetrics: createConsumerMetrics(metricsRegistry),
    topics: topicNames(configuration.topics.prefix),
    kafka,
    producer,
    processId: randomUUID(),
    now: Date.now,
    fatal,
    close: () => producer.close(),
  }
}

/** The sections of roles that read and write deliveries. */
export const deliverySections = ['registry', 'postgres'] as const
export type DeliveryConfiguration = Pick<Configuration, (typeof deliverySections)[number]>

/** What a role needs besides, that reads commands or requests and keeps them in the database. */
export interface DeliveryInfrastructure extends Infrastructure {
  deliveryMetrics: DeliveryMetrics
  schemas: SchemaStore
  statusWriter: AvroWriter<'DeliveryStatus'>
  commandWriter: AvroWriter<'DeliveryCommand'>
  /** Asks the registry at each call: for what is rarely written. Throws as `createAvroWriter` does. */
  openRequestWriter(): Promise<AvroWriter<'NotificationRequested'>>
  pool: HotPathPool
}

/** @throws SchemaNotRegistered where the deployment has not registered this version's schemas. */
export async function openDeliveryInfrastructure(
  infrastructure: Infrastructure,
  { registry, postgres }: DeliveryConfiguration,
): Promise<DeliveryInfrastructure> {
  const { topics, log, role } = infrastructure
  const registryClient = createRegistryClient(registry.service)
  const [statusWriter, commandWriter] = await Promise.all([
    createAvroWriter({
      registry: registryClient,
      record: 'DeliveryStatus',
      subject: subjectOf(topics.deliveryStatus, 'DeliveryStatus'),
    }),
    createAvroWriter({
      registry: registryClient,
      record: 'DeliveryCommand',
      subject: subjectOf(topics.deliveries('email', 'bulk'), 'DeliveryCommand'),
    }),
  ])
  const pool = createHotPathPool({
    url: postgres.url,
    applicationName: `fanfare-${role}`,
    maxConnections: postgres.maxConnections,
    onIdleConnectionLost: (code) => log.warn({ code }, 'an idle database connection was lost'),
  })
  return {
    ...infrastructure,
    deliveryMetrics: createDeliveryMetrics(infrastructure.registry),
    schemas: createSchemaStore({ fetchSchema: (id) => registryClient.fetchSchema(id) }),
    statusWriter,
    commandWriter,
    openRequestWriter: () =>
      createAvroWriter({
        registry: registryClient,
        record: 'NotificationRequested',
        subject: subjectOf(topics.requested('transactional'), 'NotificationRequested'),
      }),
    pool,
    close: () => pool.close(),
  }
}

export const sha256: Digest = (input) => createHash('sha256').update(input).digest()
export const sha1: Digest = (input) => createHash('sha1').update(input).digest()

/** The keyed hash under which the suppression list knows an address. */
export function addressHasher(key: Uint8Array): (requestChannel: string, address: string) => Uint8Array {
  return (requestChannel, address) =>
    createHmac('sha256', key).update(`${requestChannel}:${address.toLowerCase()}`).digest()
}
