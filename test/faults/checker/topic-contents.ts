/**
 * Everything that lies on a set of topics at this moment, and how far the groups are on others.
 */
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel, type Admin, type IHeaders } from 'kafkajs'
import type { GroupPosition } from './observations.ts'

export interface TopicRecord {
  topic: string
  partition: number
  offset: string
  timestampMs: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: Readonly<Record<string, string>>
}

export interface KafkaView {
  /** All topics of the cluster. */
  topics(): Promise<string[]>
  /** Every record up to the topics' ends of this moment; those of a partition in their order. */
  read(topics: readonly string[]): Promise<TopicRecord[]>
  positions(consumed: readonly { group: string; topics: readonly string[] }[]): Promise<GroupPosition[]>
  close(): Promise<void>
}

const readLimitMs = 120_000

export async function openKafkaView(brokers: readonly string[]): Promise<KafkaView> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'checker', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  return {
    topics: () => admin.listTopics(),
    read: (topics) => readTopics(kafka, admin, topics),
    positions: async (consumed) => (await Promise.all(consumed.map((each) => positionsOf(admin, each)))).flat(),
    close: () => admin.disconnect(),
  }
}

async function readTopics(kafka: Kafka, admin: Admin, topics: readonly string[]): Promise<TopicRecord[]> {
  const open = new Map<string, bigint>()
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) open.set(`${topic}/${partition}`, BigInt(high))
    }
  }
  if (open.size === 0) return []
  const records: TopicRecord[] = []
  const reached = new Map<string, bigint>()
  const done = Promise.withResolvers<void>()
  const groupId = `checker-${randomUUID()}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50, allowAutoTopicCreation: false })
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  const limit = setTimeout(() => done.reject(new Error(`${open.size} partitions not read`)), readLimitMs)
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [...new Set(topics)], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const { topic, partition, messages } = batch
        const place = `${topic}/${partition}`
        // A rejoin begins at the beginning again, since nothing is committed.
        const from = reached.get(place) ?? -1n
        for (const message of messages) {
          if (BigInt(message.offset) > from) records.push({ topic, partition, ...contentsOf(message) })
        }
        const last = BigInt(batch.lastOffset())
        reached.set(place, last > from ? last : from)
        if (last + 1n >= (open.get(place) ?? 0n)) open.delete(place)
        if (open.size === 0) done.resolve()
      },
    })
    await done.promise
  } finally {
    clearTimeout(limit)
    await consumer.disconnect()
    await admin.deleteGroups([groupId]).catch(() => {})
  }
  return records
}

interface RawMessage {
  offset: string
  timestamp: string
  key: Buffer | null
  value: Buffer | null
  headers?: IHeaders
}

function contentsOf({ offset, timestamp, key, value, headers }: RawMessage) {
  return { offset, timestampMs: Number(timestamp), key, value, headers: textHeaders(headers ?? {}) }
}

/** The last value counts where a header came several times. */
function textHeaders(headers: IHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, given]) => {
      const value = Array.isArray(given) ? given.at(-1) : given
      return value === undefined ? [] : [[name, value.toString()]]
    }),
  )
}

async function positionsOf(
  admin: Admin,
  { group, topics }: { group: string; topics: readonly string[] },
): Promise<GroupPosition[]> {
  const committed = await admin.fetchOffsets({ groupId: group, topics: [...topics] })
  const positions: GroupPosition[] = []
  for (const topic of topics) {
    const offsets = committed.find((each) => each.topic === topic)?.partitions ?? []
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      const offset = offsets.find((each) => each.partition === partition)?.offset ?? '-1'
      positions.push({ group, topic, partition, committed: BigInt(offset), low: BigInt(low), high: BigInt(high) })
    }
  }
  return positions
}
