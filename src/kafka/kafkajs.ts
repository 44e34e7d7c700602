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
 *
 * A test pins the SHA-256 of every upstream file; when it fails, read what changed before touching the numbers.
 */
import { createRequire } from 'node:module'
import type * as Kafkajs from 'kafkajs'

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

interface ConsumerGroup {
  seekOffset: Map<string, string>
  /** A new one with every assignment. */
  offsetManager: object | null
  joinAndSync(): Promise<void>
  fetch(nodeId: number): Promise<object[]>
}
interface Runner {
  consumerGroup: ConsumerGroup
  handleBatch(batch: object): Promise<void>
}

function dropWhatIsOfAnEarlierAssignment(group: ConsumerGroup, runner: Runner): void {
  const { joinAndSync, fetch } = group
  const { handleBatch } = runner
  const fetchedUnder = new WeakMap<object, object | null>()

  group.joinAndSync = function (this: ConsumerGroup) {
    this.seekOffset.clear()
    return joinAndSync.call(this)
  }
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
require('kafkajs/src/network/requestQueue/index.js').prototype.scheduleCheckPendingRequests =
  scheduleCheckPendingRequests
dropWhatIsOfAnEarlierAssignment(
  require('kafkajs/src/consumer/consumerGroup.js').prototype,
  require('kafkajs/src/consumer/runner.js').prototype,
)

const kafkajs = require('kafkajs') as typeof Kafkajs
export const { Kafka, Partitioners, logLevel } = kafkajs
