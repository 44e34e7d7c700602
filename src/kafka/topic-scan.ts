/**
 * Reads a topic to the end that it has at the start: whole and for nobody (`scanTopic`), on from where a group stopped
 * (`drainTopic`), or one record (`readRecord`).
 *
 * For audits, tools and the demo: whoever goes on consuming takes one of the two consumers.
 */
import { randomUUID } from 'node:crypto'
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs'
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

export interface TopicDrainOptions extends TopicScanOptions {
  /** Its commits say where it stopped; whoever else drains under it takes some of the partitions. */
  groupId: string
  /** At most so many records for each `take`; between two of them the group hears from us. */
  chunkSize: number
  /** Whether what was taken is committed; a rehearsal commits nothing. */
  commits: boolean
  /** Begins at the topic's beginning, whatever is committed. */
  fromStart: boolean
  /** Ends it after the chunk under way. */
  signal: AbortSignal
}

const fetchWaitMs = 100
/** Joining the group included. */
const stallLimitMs = 30_000

/**
 * Commits nothing, so the group that it joins is gone with it.
 * @throws DependencyUnavailable when the brokers are away or nothing comes for half a minute; what `take` throws, or
 * kafkajs where the topic does not exist.
 */
export async function scanTopic(options: TopicScanOptions): Promise<void> {
  await withClients(options, async (admin, consumer) => {
    const ranges = await wholeRanges(admin, options.topic)
    await consumeRanges(ranges, consumer, { ...options, chunkSize: Infinity, commits: false })
  })
}

/**
 * Commits each chunk after its `take` has resolved, so an interruption repeats at most one chunk.
 * @throws as `scanTopic`.
 */
export async function drainTopic(options: TopicDrainOptions): Promise<void> {
  const { topic, groupId, commits, fromStart } = options
  const joined = commits ? groupId : `${groupId}.rehearsal.${randomUUID()}`
  await withClients({ ...options, groupId: joined }, async (admin, consumer) => {
    const ranges = await wholeRanges(admin, topic)
    if (!fromStart) await skipCommitted(ranges, admin, { groupId, topic })
    await consumeRanges(ranges, consumer, options)
  })
}

/** @returns undefined where no record lies there (any more). @throws as `scanTopic`. */
export async function readRecord(
  connection: KafkaConnection,
  { topic, partition, offset }: Pick<ConsumedRecord, 'topic' | 'partition' | 'offset'>,
): Promise<ConsumedRecord | undefined> {
  let found: ConsumedRecord | undefined
  const groupId = `fanfare.read.${randomUUID()}`
  await withClients({ connection, groupId }, async (admin, consumer) => {
    const whole = (await wholeRanges(admin, topic)).get(partition)
    if (whole === undefined || offset < whole.from || offset >= whole.to) return
    const take = ([record]: readonly ConsumedRecord[]) => {
      found = record
      return Promise.resolve()
    }
    const range = new Map([[partition, { from: offset, to: offset + 1n }]])
    await consumeRanges(range, consumer, { topic, take, chunkSize: 1, commits: false })
  })
  return found
}

/** Offsets of one partition: from the first up to, and without, the last. */
interface Range {
  from: bigint
  to: bigint
}

async function withClients(
  { connection, groupId }: Pick<TopicScanOptions, 'connection' | 'groupId'>,
  work: (admin: Admin, consumer: Consumer) => Promise<void>,
): Promise<void> {
  const kafka = createKafka(connection)
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false, maxWaitTimeInMs: fetchWaitMs })
  try {
    await admin.connect()
    await work(admin, consumer)
  } catch (error) {
    throw asKafkaFailure(error)
  } finally {
    await consumer.disconnect()
    await admin.disconnect()
  }
}

async function wholeRanges(admin: Admin, topic: string): Promise<Map<number, Range>> {
  const ranges = new Map<number, Range>()
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    if (BigInt(high) > BigInt(low)) ranges.set(partition, { from: BigInt(low), to: BigInt(high) })
  }
  return ranges
}

async function skipCommitted(
  ranges: Map<number, Range>,
  admin: Admin,
  { groupId, topic }: { groupId: string; topic: string },
): Promise<void> {
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  for (const { partition, offset } of committed?.partitions ?? []) {
    const range = ranges.get(partition)
    // -1 where nothing is committed. Below the beginning: what was next has been deleted.
    if (range === undefined || BigInt(offset) <= range.from) continue
    if (BigInt(offset) >= range.to) ranges.delete(partition)
    else range.from = BigInt(offset)
  }
}

type Consuming = Pick<TopicDrainOptions, 'topic' | 'take' | 'chunkSize' | 'commits'> & { signal?: AbortSignal }

/** Resolves when every range has come to its end, or the signal has aborted. */
async function consumeRanges(
  ranges: ReadonlyMap<number, Range>,
  consumer: Consumer,
  { topic, take, chunkSize, commits, signal }: Consuming,
): Promise<void> {
  if (ranges.size === 0 || signal?.aborted === true) return
  const positions = new Map([...ranges].map(([partition, { from }]) => [partition, from]))
  const done = Promise.withResolvers<void>()
  // Whoever awaits it below still gets it.
  done.promise.catch(() => {})
  const stalled = () => done.reject(new DependencyUnavailable('kafka', 'SCAN_STALLED'))
  let timer = setTimeout(stalled, stallLimitMs)
  let over = false

  async function takeBatch({ batch, heartbeat, commitOffsetsIfNecessary }: EachBatchPayload): Promise<void> {
    const { partition } = batch
    const range = ranges.get(partition)
    // A rejoin may begin at the beginning again, since not everything is committed.
    const position = positions.get(partition)
    if (range === undefined || position === undefined) return
    const records = batch.messages
      .map((message) => toConsumedRecord(topic, partition, message))
      .filter(({ offset }) => offset >= position && offset < range.to)
    for (const chunk of chunksOf(records, chunkSize)) {
      if (over || signal?.aborted === true) return done.resolve()
      clearTimeout(timer)
      await take(chunk)
      timer = setTimeout(stalled, stallLimitMs)
      positions.set(partition, (chunk.at(-1)?.offset ?? position) + 1n)
      // A rebalance refuses it; the last commit makes up for it.
      if (commits) await commitOffsetsIfNecessary(offsetsOf(topic, positions)).catch(() => {})
      await heartbeat()
    }
    const end = BigInt(batch.lastOffset()) + 1n
    if (end > (positions.get(partition) ?? 0n)) positions.set(partition, end < range.to ? end : range.to)
    const ended = [...ranges].every(([each, { to }]) => (positions.get(each) ?? 0n) >= to)
    if (ended || signal?.aborted === true) done.resolve()
  }

  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      // Not left to kafkajs, which would hand the batch out again.
      eachBatch: (payload) =>
        takeBatch(payload).catch((error: unknown) => {
          over = true
          done.reject(error)
        }),
    })
    for (const [partition, { from }] of ranges) consumer.seek({ topic, partition, offset: String(from) })
    await done.promise
    if (commits) await commitLast(consumer, topic, positions)
  } finally {
    over = true
    clearTimeout(timer)
  }
}

function offsetsOf(topic: string, positions: ReadonlyMap<number, bigint>) {
  const partitions = [...positions].map(([partition, offset]) => ({ partition, offset: String(offset) }))
  return { topics: [{ topic, partitions }] }
}

async function commitLast(consumer: Consumer, topic: string, positions: ReadonlyMap<number, bigint>): Promise<void> {
  await consumer.commitOffsets(
    [...positions].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
  )
}

function* chunksOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size)
}
