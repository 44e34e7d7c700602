/**
 * Reads a topic once, from its beginning to the end that it has at the start of the scan.
 *
 * Commits nothing, so the group that it joins is gone with it. For audits, tools and the demo: whoever goes on consuming
 * takes one of the two consumers.
 */
import type { Consumer, EachBatchPayload } from 'kafkajs'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../domain/record.ts'
import { createKafka, type KafkaConnection } from './connection.ts'
import { toConsumedRecord } from './consumed-record.ts'
import { asKafkaFailure } from './kafka-unavailability.ts'

export interface TopicScanOptions {
  connection: KafkaConnection
  topic: string
  /** Nobody else's. */
  groupId: string
  /** Takes the next records of one partition, in order, each exactly once; one call at a time. */
  take(records: readonly ConsumedRecord[]): Promise<void>
}

const fetchWaitMs = 100
/** Joining the group included. */
const stallLimitMs = 30_000

/**
 * @throws DependencyUnavailable when the brokers are away or nothing comes for half a minute; what `take` throws, or
 * kafkajs where the topic does not exist.
 */
export async function scanTopic(options: TopicScanOptions): Promise<void> {
  const { connection, topic, groupId } = options
  const kafka = createKafka(connection)
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: fetchWaitMs })
  try {
    await admin.connect()
    const ends = new Map<number, bigint>()
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (BigInt(high) > BigInt(low)) ends.set(partition, BigInt(high))
    }
    if (ends.size === 0) return
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumeTo(ends, consumer, options)
  } catch (error) {
    throw asKafkaFailure(error)
  } finally {
    await consumer.disconnect()
    await admin.disconnect()
  }
}

/** Resolves when every partition has come to its end. */
async function consumeTo(
  ends: ReadonlyMap<number, bigint>,
  consumer: Consumer,
  { topic, take }: TopicScanOptions,
): Promise<void> {
  const positions = new Map<number, bigint>()
  const positionOf = (partition: number) => positions.get(partition) ?? 0n
  const done = Promise.withResolvers<void>()
  // Whoever awaits it below still gets it.
  done.promise.catch(() => {})
  const stalled = () => done.reject(new DependencyUnavailable('kafka', 'SCAN_STALLED'))
  let timer = setTimeout(stalled, stallLimitMs)
  let failed = false

  async function takeBatch({ batch }: EachBatchPayload): Promise<void> {
    const end = ends.get(batch.partition) ?? 0n
    // A rejoin begins at the beginning again, since nothing is committed.
    const position = positionOf(batch.partition)
    if (failed || position >= end) return
    const records = batch.messages
      .map((message) => toConsumedRecord(topic, batch.partition, message))
      .filter(({ offset }) => offset >= position && offset < end)
    clearTimeout(timer)
    await take(records)
    timer = setTimeout(stalled, stallLimitMs)
    positions.set(batch.partition, BigInt(batch.lastOffset()) + 1n)
    if ([...ends].every(([partition, each]) => positionOf(partition) >= each)) done.resolve()
  }

  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    await consumer.run({
      autoCommit: false,
      // Not left to kafkajs, which would hand the batch out again.
      eachBatch: (payload) =>
        takeBatch(payload).catch((error: unknown) => {
          failed = true
          done.reject(error)
        }),
    })
    await done.promise
  } finally {
    clearTimeout(timer)
  }
}
