/**
 * Topics, groups and consumers of one integration test on the real broker, all under one random prefix and gone after
 * it; and what each consumer reported, to be awaited instead of slept for.
 */
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Admin, ITopicConfig, KafkaMessage } from 'kafkajs'
import type { ConsumedRecord, OutgoingRecord } from '../../src/domain/record.ts'
import { createKafka, type KafkaConnection } from '../../src/kafka/connection.ts'
import type { ConsumerEvent } from '../../src/kafka/consumer-event.ts'
import type { HandOffHandler } from '../../src/kafka/hand-off-handler.ts'
import { startRecordProducer, type RecordProducer } from '../../src/kafka/record-producer.ts'
import { readStackEnvironment } from './stack-environment.ts'

export interface Workbench {
  connection: KafkaConnection
  admin: Admin
  producer: RecordProducer
  topic: string
  groupId: string
  /** Creates another topic, waits until it can be written to, and deletes it after the test. */
  createTopic(config: ITopicConfig): Promise<void>
  /** What is to end before the topics go, the latest first. */
  atEnd(end: () => Promise<void>): void
  /** Committed positions by partition; none is the beginning, 0. */
  committed(): Promise<Map<number, bigint>>
  /** Where each partition ends. */
  ends(): Promise<Map<number, bigint>>
}

const partitionCount = 12

export async function openWorkbench(t: TestContext): Promise<Workbench> {
  const connection = { brokers: readStackEnvironment().brokers, clientId: 'fanfare-test', log: () => {} }
  const topic = `test.${randomUUID()}`
  const groupId = `${topic}.group`
  const admin = createKafka(connection).admin()
  const topics: string[] = []
  const endings: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const end of endings.toReversed()) await end()
    await admin.deleteTopics({ topics })
    await admin.disconnect()
  })
  await admin.connect()

  async function createTopic(config: ITopicConfig): Promise<void> {
    // kafkajs's own wait fails on a broker that has not heard of the topic yet.
    await admin.createTopics({ topics: [{ replicationFactor: 1, ...config }], waitForLeaders: false })
    topics.push(config.topic)
    await t.waitFor(() => assertLed(admin, config), { interval: 20, timeout: 10_000 })
  }
  await createTopic({ topic, numPartitions: partitionCount })
  const producer = await startRecordProducer(connection)
  endings.push(producer.close)

  return {
    connection,
    admin,
    producer,
    topic,
    groupId,
    createTopic,
    atEnd: (end) => void endings.push(end),
    committed: async () => {
      const [ofTopic] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return byPartition(
        (ofTopic?.partitions ?? []).map((each) => (each.offset === '-1' ? { ...each, offset: '0' } : each)),
      )
    },
    ends: async () => byPartition(await admin.fetchTopicOffsets(topic)),
  }
}

/**
 * Asks the leaders themselves: metadata names them before they know it, and a producer that meets one who does not
 * repeats the whole request.
 */
async function assertLed(admin: Admin, { topic, numPartitions }: ITopicConfig): Promise<void> {
  const offsets = await admin.fetchTopicOffsets(topic)
  if (offsets.length !== numPartitions) throw new Error(`${offsets.length} partitions answer`)
}

function byPartition(offsets: readonly { partition: number; offset: string }[]): Map<number, bigint> {
  const sorted = offsets.toSorted((one, other) => one.partition - other.partition)
  return new Map(sorted.map(({ partition, offset }) => [partition, BigInt(offset)]))
}

/** Numbered records; the number is the key and the value. */
export function numbered(topic: string, from: number, to: number): OutgoingRecord[] {
  return Array.from({ length: to - from }, (_, index) => {
    const name = String(from + index)
    return { topic, key: name, value: Buffer.from(name), headers: {} }
  })
}

const deadlineMs = 30_000

/** Awaits conditions that are looked at again whenever something happened. */
export interface Happenings {
  happened(): void
  /** Fails after `deadlineMs`, with what was awaited. */
  until(what: string, condition: () => boolean): Promise<void>
}

export function createHappenings(): Happenings {
  const waiting = new Set<() => void>()
  return {
    happened: () => {
      for (const look of waiting) look()
    },
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`waited ${deadlineMs} ms in vain until ${what}`))
        }, deadlineMs)
        function look(): void {
          if (!condition()) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

/** A consumer's events, in order. */
export interface Reported {
  report(event: ConsumerEvent): void
  fatal(error: Error): void
  readonly events: readonly ConsumerEvent[]
  of<Kind extends ConsumerEvent['kind']>(kind: Kind): Extract<ConsumerEvent, { kind: Kind }>[]
  /** What should have ended the process. */
  readonly fatals: readonly Error[]
}

export function createReported({ happened }: Happenings): Reported {
  const events: ConsumerEvent[] = []
  const fatals: Error[] = []
  return {
    events,
    fatals,
    report: (event) => {
      events.push(event)
      happened()
    },
    fatal: (error) => {
      fatals.push(error)
      happened()
    },
    of: <Kind extends ConsumerEvent['kind']>(kind: Kind) =>
      events.filter((event): event is Extract<ConsumerEvent, { kind: Kind }> => event.kind === kind),
  }
}

/** What the consumers of these tests have in common; a dead letter that no test asked for is refused, and so fatal. */
export function consumerBasics(
  { connection, groupId, topic }: Pick<Workbench, 'connection' | 'groupId' | 'topic'>,
  { report, fatal }: Reported,
) {
  return {
    connection,
    groupId,
    topics: [topic],
    sessionTimeoutMs: 6_000,
    chunkSize: 100,
    drainBudgetMs: 2_000,
    queueLimits: { highMark: 500, lowMark: 100, window: 500 },
    report,
    fatal,
    clock: () => performance.now(),
    deadLetter: () => Promise.reject(new Error('nothing here is to be dead-lettered')),
  }
}

/** A handler that takes everything at once and completes each record when `work` resolves. */
export function handingOver(work: (record: ConsumedRecord) => Promise<void> | void): HandOffHandler {
  return {
    admit: async (wanted) => wanted,
    release: () => {},
    handle: async (records, done) => {
      await Promise.all(
        records.map(async (record) => {
          await work(record)
          done(record)
        }),
      )
    },
    holding: () => false,
  }
}

/** Everything that a topic holds, by a reader of its own. */
export async function readAll({ connection, admin }: Workbench, topic: string): Promise<KafkaMessage[]> {
  const count = (await admin.fetchTopicOffsets(topic)).reduce(
    (sum, { high, low }) => sum + Number(high) - Number(low),
    0,
  )
  const messages: KafkaMessage[] = []
  const all = Promise.withResolvers<void>()
  if (count === 0) return []
  const reader = createKafka(connection).consumer({ groupId: `${topic}.reader`, maxWaitTimeInMs: 100 })
  await reader.connect()
  await reader.subscribe({ topic, fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      messages.push(message)
      if (messages.length === count) all.resolve()
    },
  })
  await all.promise
  await reader.disconnect()
  return messages
}
