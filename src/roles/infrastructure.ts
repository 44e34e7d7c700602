/**
 * What every role of a process shares: log, metrics and producer; and what those share that touch deliveries: schemas, database.
 */
import { createHmac, createSecretKey, hash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { Digest } from '../domain/identity.ts'
import { topicNames, type TopicNames } from '../domain/topic-names.ts'
import type { KafkaConnection } from '../kafka/connection.ts'
import { startRecordProducer, type RecordProducer } from '../kafka/record-producer.ts'
import { createAvroWriter, type AvroWriter } from '../kafka/registry/avro-writer.ts'
import { createRegistryClient } from '../kafka/registry/registry-client.ts'
import { createSchemaStore, type SchemaStore } from '../kafka/registry/schema-store.ts'
import { subjectOf } from '../kafka/topic-schemas.ts'
import { MigrationsMissing, requireMigrations } from '../postgres/applied-migrations.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { createConsumerMetrics, type ConsumerMetrics } from '../telemetry/consumer-metrics.ts'
import { createDeliveryMetrics, type DeliveryMetrics } from '../telemetry/delivery-metrics.ts'
import type { Logger } from '../telemetry/log.ts'
import { createPoolMetrics, type PoolMetrics } from '../telemetry/pool-metrics.ts'
import { createProfileCacheMetrics, type ProfileCacheMetrics } from '../telemetry/profile-cache-metrics.ts'
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
  poolMetrics: PoolMetrics
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
    poolMetrics: createPoolMetrics(metricsRegistry),
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
  profileCacheMetrics: ProfileCacheMetrics
  schemas: SchemaStore
  statusWriter: AvroWriter<'DeliveryStatus'>
  commandWriter: AvroWriter<'DeliveryCommand'>
  /** Asks the registry at each call: for what is rarely written. Throws as `createAvroWriter` does. */
  openRequestWriter(): Promise<AvroWriter<'NotificationRequested'>>
  /** Likewise: for what only some roles write. */
  openFeedbackWriter(): Promise<AvroWriter<'ProviderFeedback'>>
  pool: HotPathPool
}

/** How long a role that starts waits for Postgres: an outage there must not have it started again and again. */
const postgresPatienceMs = 60_000
const postgresRetryMs = 1_000

/**
 * @param patienceMs how long to wait for Postgres.
 * @throws SchemaNotRegistered or MigrationsMissing where the deployment lacks this version's schemas or migrations, and
 * DependencyUnavailable when the registry is away, or Postgres for longer than that; nothing is left open then.
 */
export async function openDeliveryInfrastructure(
  infrastructure: Infrastructure,
  { registry, postgres }: DeliveryConfiguration,
  { patienceMs = postgresPatienceMs }: { patienceMs?: number } = {},
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
  infrastructure.poolMetrics.observe('hot_path', pool.connections)
  try {
    await untilMigrated(pool, log, patienceMs)
  } catch (error) {
    await pool.close()
    throw error
  }
  return {
    ...infrastructure,
    deliveryMetrics: createDeliveryMetrics(infrastructure.registry),
    profileCacheMetrics: createProfileCacheMetrics(infrastructure.registry),
    schemas: createSchemaStore({ fetchSchema: (id) => registryClient.fetchSchema(id) }),
    statusWriter,
    commandWriter,
    openRequestWriter: () =>
      createAvroWriter({
        registry: registryClient,
        record: 'NotificationRequested',
        subject: subjectOf(topics.requested('transactional'), 'NotificationRequested'),
      }),
    openFeedbackWriter: () =>
      createAvroWriter({
        registry: registryClient,
        record: 'ProviderFeedback',
        subject: subjectOf(topics.feedback, 'ProviderFeedback'),
      }),
    pool,
    close: () => pool.close(),
  }
}

/** Before the first record: a table that is not there would be taken for the record's fault. */
async function untilMigrated(pool: HotPathPool, log: Logger, patienceMs: number): Promise<void> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    try {
      return await requireMigrations(pool)
    } catch (error) {
      if (error instanceof MigrationsMissing) {
        log.fatal({ missing: error.missing }, 'the database lacks migrations of this version: run fanfare migrate')
      }
      if (!(error instanceof DependencyUnavailable) || performance.now() > endMs) throw error
      log.warn({ dependency: error.dependency, code: error.code }, 'waiting for a dependency')
      await sleep(postgresRetryMs)
    }
  }
}

export const sha256: Digest = (input) => hash('sha256', input, 'buffer')
export const sha1: Digest = (input) => hash('sha1', input, 'buffer')

/** The keyed hash under which the suppression list knows an address. */
export function addressHasher(key: Uint8Array): (requestChannel: string, address: string) => Uint8Array {
  // A key as bytes is made into one at each call, which takes several times as long as the hash.
  const secret = createSecretKey(key)
  return (requestChannel, address) =>
    createHmac('sha256', secret).update(`${requestChannel}:${address.toLowerCase()}`).digest()
}
