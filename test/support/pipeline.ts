/**
 * A whole Fanfare of a test file's own: database, topics, schemas and providers that nobody else uses, roles as real
 * processes, and a view on everything that comes out.
 *
 * Only the stack below is shared; a prefix keeps topics, groups and cache keys apart. Whatever was started is gone after
 * `stop`, which fails if a role did not end well or a connection to the database is left over.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import { channels, lanes, type Lane } from '../../src/domain/channel.ts'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { NotificationCancelled, NotificationRequested } from '../../src/domain/notification.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../src/domain/record.ts'
import { topicNames, type TopicNames } from '../../src/domain/topic-names.ts'
import { createKafka, type KafkaConnection } from '../../src/kafka/connection.ts'
import { startRecordProducer } from '../../src/kafka/record-producer.ts'
import { createAvroReader } from '../../src/kafka/registry/avro-reader.ts'
import { createAvroWriter, type AvroWriter } from '../../src/kafka/registry/avro-writer.ts'
import { createRegistryClient, type RegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { registerSchemas } from '../../src/kafka/registry/schema-registration.ts'
import { createSchemaStore } from '../../src/kafka/registry/schema-store.ts'
import { applyTopics } from '../../src/kafka/topic-administration.ts'
import { readTopicFiles } from '../../src/kafka/topic-files.ts'
import { subjectOf, topicSchemas } from '../../src/kafka/topic-schemas.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { lagOf, untilConsumed, type ConsumedTopic } from './group-progress.ts'
import { startRole, type RoleProcess } from './role-process.ts'
import { readStackEnvironment } from './stack-environment.ts'
import { createTopicReader } from './topic-reader.ts'

export interface Pipeline {
  readonly topics: TopicNames
  readonly database: TestDatabase
  readonly simulator: Simulator
  /** Starts a role and waits until it is ready; `program` is what runs instead of src/main.ts. */
  start(
    command: readonly string[],
    environment?: Readonly<Record<string, string>>,
    program?: string,
  ): Promise<RoleProcess>
  /** Publishes requests on the transactional lane. */
  request(...events: readonly NotificationRequested[]): Promise<void>
  /** Publishes a cancellation on the transactional lane. */
  cancel(event: NotificationCancelled): Promise<void>
  /** A request as its producer would publish it, for tests that change something about it. */
  requestRecord(event: NotificationRequested, lane?: Lane): OutgoingRecord
  /** Publishes any bytes anywhere. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  /** Everything on a topic, up to its present end. */
  read(topic: string): Promise<ConsumedRecord[]>
  /** Every status so far, or those of one notification; those of one notification in their order. */
  statuses(notificationId?: string): Promise<DeliveryStatus[]>
  /** Waits until the routers of the lanes have settled everything that is requested. */
  untilRouted(options?: Until): Promise<void>
  /** Waits until routers and then senders have settled everything: all that follows from what was published is there. */
  untilSettled(options?: Until): Promise<void>
  /** Requested records that no router of the lane has settled. */
  unrouted(lane: Lane): Promise<number>
  /** A hook for `afterEach`: shows what the roles and the clients here logged if the test failed. */
  showLogs(context: object): void
  stop(): Promise<void>
}

export interface Until {
  deadlineMs?: number
}

const defaultDeadlineMs = 30_000
/** The least that the broker takes: a killed member's partitions are handed on after this. */
const sessionTimeoutMs = 6_000

export async function startPipeline(): Promise<Pipeline> {
  const opened = new AsyncDisposableStack()
  try {
    return await open(opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

async function open(opened: AsyncDisposableStack): Promise<Pipeline> {
  const prefix = `test-${randomBytes(4).toString('hex')}.`
  const topics = topicNames(prefix)
  const observerLog: string[] = []
  const connection: KafkaConnection = {
    brokers: readStackEnvironment().brokers,
    clientId: `${prefix}observer`,
    log: (level, line) => void observerLog.push(`${level}: ${line}`),
  }
  const logFolder = mkdtempSync(join(tmpdir(), 'fanfare-pipeline-'))
  opened.defer(() => rmSync(logFolder, { recursive: true }))
  const database = await createTestDatabase()
  opened.defer(() => database.drop())
  const simulator = await startSimulator()
  opened.defer(() => simulator.stop())
  const admin = await createTopics(connection, prefix, opened)
  const avro = await openAvro(topics)
  const producer = await startRecordProducer(connection)
  opened.defer(() => producer.close())
  const reader = createTopicReader({ connection, admin, groupPrefix: `${prefix}reader.` })
  opened.defer(() => reader.stop())
  const roles = startedRoles({ ...roleEnvironment(prefix, database), ...simulator.environment }, logFolder)
  opened.defer(() => roles.stop())
  const readStatuses = async () =>
    avro.decodeStatuses((await reader.read(topics.deliveryStatus)).map(({ value }) => value))

  return {
    topics,
    database,
    simulator,
    start: roles.start,
    showLogs: (context) => {
      if (!('passed' in context) || context.passed !== false) return
      for (const line of [...observerLog.splice(0), ...roles.newLogTails()]) process.stderr.write(`${line}\n`)
    },
    publish: (records) => producer.send(records),
    requestRecord: (event, lane = 'transactional') => requestRecord(event, topics.requested(lane), avro.requests),
    request: (...events) =>
      producer.send(events.map((event) => requestRecord(event, topics.requested('transactional'), avro.requests))),
    cancel: (event) => {
      const value = avro.cancellations.encode(event)
      return producer.send([
        { topic: topics.requested('transactional'), key: String(event.userId), value, headers: {} },
      ])
    },
    read: reader.read,
    statuses: async (notificationId) =>
      (await readStatuses()).filter(
        (status) => notificationId === undefined || status.notificationId === notificationId,
      ),
    ...progressOf(admin, topics),
    stop: () => opened.disposeAsync(),
  }
}

async function createTopics(connection: KafkaConnection, prefix: string, opened: AsyncDisposableStack): Promise<Admin> {
  const kafka = createKafka(connection)
  const wanted = readTopicFiles({ prefix, replicas: 1 })
  const admin = kafka.admin()
  await admin.connect()
  opened.defer(() => admin.disconnect())
  await applyTopics(kafka, wanted)
  opened.defer(() => admin.deleteTopics({ topics: wanted.map(({ name }) => name) }))
  return admin
}

function requestRecord(
  event: NotificationRequested,
  topic: string,
  writer: AvroWriter<'NotificationRequested'>,
): OutgoingRecord {
  return { topic, key: String(event.userId), value: writer.encode(event), headers: {} }
}

async function openAvro(topics: TopicNames) {
  const registry = createRegistryClient({ url: readStackEnvironment().registryUrl })
  await registerSchemas(registry, topicSchemas(topics))
  return {
    requests: await createAvroWriter({
      registry,
      record: 'NotificationRequested',
      subject: subjectOf(topics.requested('transactional'), 'NotificationRequested'),
    }),
    cancellations: await createAvroWriter({
      registry,
      record: 'NotificationCancelled',
      subject: subjectOf(topics.requested('transactional'), 'NotificationCancelled'),
    }),
    decodeStatuses: statusDecoder(registry),
  }
}

function statusDecoder(registry: RegistryClient) {
  const schemas = createSchemaStore({ fetchSchema: (id) => registry.fetchSchema(id) })
  const reader = createAvroReader({ schemas, records: ['DeliveryStatus'] })
  return async (values: readonly (Uint8Array | null)[]): Promise<DeliveryStatus[]> =>
    (await reader.decodeChunk(values)).map((decoded) => {
      if (decoded.kind === 'poison') throw new Error(`the status topic holds poison: ${decoded.reason}`)
      return decoded.value
    })
}

function roleEnvironment(prefix: string, database: TestDatabase): Record<string, string> {
  const { brokers, registryUrl, redisUrl } = readStackEnvironment()
  return {
    FANFARE_KAFKA_BROKERS: brokers.join(','),
    FANFARE_TOPIC_PREFIX: prefix,
    FANFARE_REGISTRY_URL: registryUrl,
    FANFARE_POSTGRES_URL: database.url,
    FANFARE_REDIS_URL: redisUrl,
    FANFARE_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
    FANFARE_ADDRESS_HASH_KEY: randomBytes(32).toString('hex'),
  }
}

/** The roles of a pipeline, each with a log file in the folder. */
function startedRoles(environment: Readonly<Record<string, string>>, logFolder: string) {
  const started: RoleProcess[] = []
  let count = 0

  async function start(
    command: readonly string[],
    own: Readonly<Record<string, string>> = {},
    program = 'src/main.ts',
  ): Promise<RoleProcess> {
    const logFile = join(logFolder, `${(count += 1)}-${command.join('-')}.log`)
    const role = await startRole({ command, environment: { ...environment, ...own }, logFile, program })
    started.push(role)
    return role
  }

  return {
    start,
    newLogTails: () => started.map((role) => role.newLogTail()),
    // All of them even if one fails, in no order: each drains what it has.
    stop: async () => {
      const ended = await Promise.allSettled(started.map((role) => role.stop()))
      const failures = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
      if (failures.length > 0) throw new AggregateError(failures, 'roles did not end well')
    },
  }
}

function progressOf(admin: Admin, topics: TopicNames) {
  const routing = (lane: Lane): ConsumedTopic => ({
    group: topics.group('router', lane),
    topic: topics.requested(lane),
  })
  const sending = channels.flatMap((channel) =>
    lanes.map((lane) => ({
      group: topics.group('sender', channel, lane),
      topic: topics.deliveries(channel, lane),
    })),
  )

  async function untilRouted({ deadlineMs = defaultDeadlineMs }: Until = {}): Promise<void> {
    await untilConsumed(admin, lanes.map(routing), deadlineMs)
  }

  return {
    untilRouted,
    untilSettled: async (options: Until = {}) => {
      await untilRouted(options)
      await untilConsumed(admin, sending, options.deadlineMs ?? defaultDeadlineMs)
    },
    unrouted: (lane: Lane) => lagOf(admin, routing(lane)),
  }
}
