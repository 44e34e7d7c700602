/**
 * The only file that imports kafkajs as a value: it mends the frozen client before the first use.
 *
 * 1. `groupMessagesPerPartition` copies the array for every message, which is quadratic: the measured ceiling of a
 *    producer that sends chunks. Ours appends. It has to be replaced before `sendMessages` is loaded and binds it.
 * 2. `RequestQueue.scheduleCheckPendingRequests` arms a timer with a negative delay when nothing is pending, and
 *    the timer's callback arms the next: an idle process spins (kafkajs issue 1556, fix 1667 unmerged).
 * 3. A seek that no fetch took up before the group rebalanced again stays behind, and takes effect when the partition
 *    comes back, however far its other owner got: records between would be skipped. Ours forgets seeks at a join; the
 *    listener of GROUP_JOIN seeks anew.
 * 4. With several brokers one fetcher may rejoin while another one's fetch is under way, or its batches wait for a
 *    worker. They would be handed out under the new assignment, although the partition may be another member's, or
 *    may have been lost and won back. Ours drops them; a partition that is still owned is fetched again.
 * 5. A position outside the log (retention overtook it, the topic was made anew) is set back to the log's start with a
 *    line of kafkajs's log and nothing to count. Ours tells of it as an event of the consumer.
 * 6. A broker that is gone, or hangs, is asked again and again: see lost-broker.ts, which turns to the others.
 * 7. A produce request that is tried again leaves out brokers that have answered, and with them what they have come to
 *    lead meanwhile, which is lost: see whole-retries.ts.
 * 8. Connections end up with two sockets, or with requests that never end: see one-socket.ts.
 * 9. Leaders and coordinators that move leave members behind that do not join, or cannot commit: see
 *    steady-membership.ts.
 *
 * A test pins the SHA-256 of every upstream file; when it fails, read what changed before touching the numbers.
 */
import { createRequire } from 'node:module'
import type * as Kafkajs from 'kafkajs'
import { leaveLostBrokers } from './lost-broker.ts'
import { keepOneSocket } from './one-socket.ts'
import { watchForStalls } from './stalled-process.ts'
import { keepMembership } from './steady-membership.ts'
import { retryWholeRequests } from './whole-retries.ts'

const require = createRequire(import.meta.url)

interface Message {
  partition?: number
}
interface GroupingRequest {
  topic: string
  partitionMetadata: readonly unknown[]
  messages: readonly Message[]
  partitioner: (request: { topic: string; partitionMetadata: readonly unknown[]; message: Message }) => number
}

function groupMessagesPerPartition(request: GroupingRequest): Record<number, Message[]> {
  const { topic, partitionMetadata, messages, partitioner } = request
  const groups: Record<number, Message[]> = {}
  if (partitionMetadata.length === 0) return groups
  for (const message of messages) (groups[partitioner({ topic, partitionMetadata, message })] ??= []).push(message)
  return groups
}

interface RequestQueue {
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  pending: readonly unknown[]
  checkPendingRequests(): void
}

/** How soon a queue that is full, but not throttled, looks again; upstream's constant, in ms. */
const checkPendingRequestsMs = 10

function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const throttledForMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledForMs > 0 ? throttledForMs : checkPendingRequestsMs,
  )
}

interface OffsetManager {
  /** Where to fetch on, by topic and partition. */
  resolvedOffsets: Partial<Record<string, Partial<Record<number, string>>>>
}
interface ConsumerGroup {
  /** A new one with every assignment. */
  offsetManager: OffsetManager | null
  instrumentationEmitter: { emit(event: string, payload: object): void }
  fetch(nodeId: number): Promise<object[]>
  recoverFromOffsetOutOfRange(error: PartitionError): Promise<void>
}
interface PartitionError {
  topic: string
  partition: number
}
interface Runner {
  consumerGroup: ConsumerGroup
  handleBatch(batch: object): Promise<void>
}

function dropWhatIsOfAnEarlierAssignment(group: ConsumerGroup, runner: Runner): void {
  const { fetch } = group
  const { handleBatch } = runner
  const fetchedUnder = new WeakMap<object, object | null>()

  group.fetch = async function (this: ConsumerGroup, nodeId) {
    const assignment = this.offsetManager
    const batches = await fetch.call(this, nodeId)
    for (const batch of batches) fetchedUnder.set(batch, assignment)
    return batches
  }
  runner.handleBatch = async function (this: Runner, batch) {
    if (fetchedUnder.get(batch) === this.consumerGroup.offsetManager) await handleBatch.call(this, batch)
  }
}

/** A position that lay outside the log, and so was set back to its start. */
export interface OffsetReset {
  topic: string
  partition: number
  position: bigint
}

const offsetResetEvent = 'consumer.offset_reset'

function tellOffsetResets(events: Record<string, string>, group: ConsumerGroup): void {
  const { recoverFromOffsetOutOfRange } = group
  // Before the consumer's module is loaded, which lets nobody listen to anything else.
  events['OFFSET_RESET'] = offsetResetEvent
  group.recoverFromOffsetOutOfRange = async function (this: ConsumerGroup, error) {
    const { topic, partition } = error
    const position = this.offsetManager?.resolvedOffsets[topic]?.[partition] ?? '0'
    await recoverFromOffsetOutOfRange.call(this, error)
    this.instrumentationEmitter.emit(offsetResetEvent, { topic, partition, position: BigInt(position) })
  }
}

/** kafkajs's types do not know the event. */
type Listen = (event: string, listener: (told: { payload: OffsetReset }) => void) => void

export function onOffsetReset(consumer: Pick<Kafkajs.Consumer, 'on'>, listener: (reset: OffsetReset) => void): void {
  ;(consumer.on as unknown as Listen)(offsetResetEvent, ({ payload }) => listener(payload))
}

function replaceExports(file: string, exports: unknown): void {
  require(file)
  const loaded = require.cache[require.resolve(file)]
  if (loaded === undefined) throw new Error(`${file} did not load`)
  loaded.exports = exports
}

if (require.cache[require.resolve('kafkajs/src/producer/sendMessages.js')] !== undefined) {
  throw new Error('kafkajs was loaded before its patch: import it from src/kafka/kafkajs.ts only')
}
replaceExports('kafkajs/src/producer/groupMessagesPerPartition.js', groupMessagesPerPartition)
const sendMessages = 'kafkajs/src/producer/sendMessages.js'
replaceExports(sendMessages, retryWholeRequests(require(sendMessages)))
require('kafkajs/src/network/requestQueue/index.js').prototype.scheduleCheckPendingRequests =
  scheduleCheckPendingRequests
dropWhatIsOfAnEarlierAssignment(
  require('kafkajs/src/consumer/consumerGroup.js').prototype,
  require('kafkajs/src/consumer/runner.js').prototype,
)
tellOffsetResets(
  require('kafkajs/src/consumer/instrumentationEvents.js').events,
  require('kafkajs/src/consumer/consumerGroup.js').prototype,
)

const { KafkaJSConnectionClosedError, KafkaJSConnectionError, KafkaJSProtocolError } = require('kafkajs/src/errors.js')
const connection = require('kafkajs/src/network/connection.js').prototype
const group = require('kafkajs/src/consumer/consumerGroup.js').prototype
const clock = () => performance.now()
keepOneSocket(connection)
leaveLostBrokers({
  connection,
  pool: require('kafkajs/src/network/connectionPool.js').prototype,
  group,
  connectionClosed: (message, at) => new KafkaJSConnectionClosedError(message, at),
  notConnected: (message) => new KafkaJSConnectionError(message),
  clock,
  stalled: watchForStalls(clock),
})
keepMembership({
  group,
  offsets: require('kafkajs/src/consumer/offsetManager/index.js').prototype,
  notCoordinator: ({ message }) =>
    new KafkaJSProtocolError({ message, type: 'NOT_COORDINATOR_FOR_GROUP', code: 16, retriable: true }),
})

const kafkajs = require('kafkajs') as typeof Kafkajs
export const { AssignerProtocol, Kafka, Partitioners, logLevel } = kafkajs
