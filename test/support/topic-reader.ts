/**
 * Reads a topic from its beginning to its end at this moment, whatever lies on it.
 *
 * The first read joins a group of its own; the consumer stays, so that every further read only waits for what is new.
 */
import type { Admin, Consumer } from 'kafkajs'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import { toConsumedRecord } from '../../src/kafka/consumed-record.ts'
import { createKafka, type KafkaConnection } from '../../src/kafka/connection.ts'
import { eventually } from './eventually.ts'

export interface TopicReader {
  /** Every record up to the topic's present end, those of a partition in their order. */
  read(topic: string): Promise<ConsumedRecord[]>
  stop(): Promise<void>
}

export interface TopicReaderOptions {
  connection: KafkaConnection
  admin: Admin
  /** Before the topic's name, it names the group that reads it. */
  groupPrefix: string
}

export function createTopicReader({ connection, admin, groupPrefix }: TopicReaderOptions): TopicReader {
  const followed = new Map<string, Promise<Follower>>()

  async function read(topic: string): Promise<ConsumedRecord[]> {
    let started = followed.get(topic)
    if (started === undefined) {
      started = follow(topic, connection, groupPrefix + topic)
      followed.set(topic, started)
    }
    const { records, positions, crashed } = await started
    const ends = await admin.fetchTopicOffsets(topic)
    await eventually(async () => {
      if (crashed() !== undefined) throw crashed()
      const behind = ends.filter(({ partition, high }) => (positions.get(partition) ?? 0n) < BigInt(high))
      return behind.length === 0 ? undefined : `the ends of ${behind.length} partitions of ${topic}`
    })
    return [...records]
  }

  async function stop(): Promise<void> {
    for (const started of followed.values()) await (await started).consumer.disconnect()
  }

  return { read, stop }
}

interface Follower {
  consumer: Consumer
  records: ConsumedRecord[]
  /** By partition, the offset after the last record that was read. */
  positions: Map<number, bigint>
  crashed(): Error | undefined
}

const fetchWaitMs = 50

async function follow(topic: string, connection: KafkaConnection, groupId: string): Promise<Follower> {
  const consumer = createKafka(connection).consumer({
    groupId,
    maxWaitTimeInMs: fetchWaitMs,
    allowAutoTopicCreation: false,
  })
  const records: ConsumedRecord[] = []
  const positions = new Map<number, bigint>()
  let crash: Error | undefined
  consumer.on(consumer.events.CRASH, ({ payload }) => void (crash = payload.error))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const { partition, messages } = batch
      const position = positions.get(partition) ?? 0n
      // A rejoin begins at the beginning again, since nothing is committed.
      const fresh = messages.filter(({ offset }) => BigInt(offset) >= position)
      for (const message of fresh) records.push(toConsumedRecord(topic, partition, message))
      positions.set(partition, BigInt(batch.lastOffset()) + 1n)
    },
  })
  return { consumer, records, positions, crashed: () => crash }
}
