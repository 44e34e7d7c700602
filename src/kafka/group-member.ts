/**
 * One member of a consumer group: kafkajs's consumer behind the few calls that the two modes need, with its traps
 * handled once (it is frozen, and each of these was seen or read in its source).
 *
 * - pause state survives a revoke, so the listener recomputes it for every partition that it owns.
 * - a commit goes out under the generation of the moment of the call, and the broker accepts it for partitions that
 *   this member lost. So callers read ownership in the same tick, and `consumer.commitOffsets`, which retries under the
 *   next generation, is never used.
 * - one `Kafka` object per consumer: committed offsets are cached per object and group.
 * - a consumer that crashed and left would start again after it left: it is told not to.
 */
import type { Consumer, EachBatchPayload, OffsetsByTopicPartition } from 'kafkajs'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { ReportConsumerEvent } from './consumer-event.ts'
import { createKafka, type KafkaConnection } from './connection.ts'
import { fetchedEvent } from './consumed-record.ts'
import { followMembership } from './group-membership.ts'
import { asKafkaFailure } from './kafka-unavailability.ts'
import { onOffsetReset } from './kafkajs.ts'
import type { AssignmentChange, PartitionPosition, TopicPartition } from './partition-position.ts'
import { createPartitionLags, type PartitionLags } from './partition-progress.ts'
import { settlesWithin } from './settles-within.ts'

export interface GroupMemberOptions {
  connection: KafkaConnection
  groupId: string
  topics: readonly string[]
  /** The broker hands the partitions on when no heartbeat came for this long. */
  sessionTimeoutMs: number
  partitionsConcurrently: number
  report: ReportConsumerEvent
  /** Called at most once, when the consumer is dead and will not come back: the process should exit. */
  fatal(error: Error): void
  /** Monotonic milliseconds. */
  clock(): number
}

export interface GroupListener {
  eachBatch(payload: EachBatchPayload): Promise<void>
  /** The assignment changed; called before fetching goes on, so that it may seek and pause. */
  assigned(change: AssignmentChange): void
  /** The group rebalances: the last moment at which the old assignment can be committed. Not always told. */
  rebalancing?(): void
}

export interface GroupMember {
  /**
   * Joins and begins to consume. Resolves with the first assignment. Throws DependencyUnavailable when the broker is
   * away or `joinTimeoutMs` are over: the process should exit then, since kafkajs may still be joining.
   */
  start(listener: GroupListener): Promise<void>
  /** Rises with every assignment: work that began under an older one must not report under this one. */
  epoch(): number
  /** Where to fetch on; takes effect before the next fetch. */
  seek(position: PartitionPosition): void
  setPaused(partition: TopicPartition, paused: boolean): void
  /** One attempt under the current generation. @returns false where it failed; the next one will do. */
  commit(positions: readonly PartitionPosition[]): Promise<boolean>
  /** The lag of every assigned partition, as fetches and commits told it. */
  lags: PartitionLags['lags']
  /** Milliseconds since the last join or acknowledged heartbeat: what liveness goes by. */
  idleMs(): number
  /** Tells the outside that this consumer cannot go on; only the first time. */
  fatal(error: Error): void
  /** Leaves the group; bounded, idempotent, never throws. Offsets must be committed before: afterwards kafkajs
   * ignores them. */
  leave(): Promise<void>
}

/** kafkajs parks an idle fetch for this long, which is also how late a resumed partition is fetched again. */
const fetchWaitMs = 250
const joinTimeoutMs = 60_000
/** A broker that hangs is left after this: well within a minute for whoever meets it twice. */
const clientLimits = { requestTimeoutMs: 10_000, retries: 5 }
export const leaveTimeoutMs = 5_000
/** Of the session: some may be lost or late before it ends. */
const heartbeatsPerSession = 4

export function heartbeatIntervalMs(sessionTimeoutMs: number): number {
  return Math.floor(sessionTimeoutMs / heartbeatsPerSession)
}

export function createGroupMember(options: GroupMemberOptions): GroupMember {
  let leaving: Promise<void> | undefined
  const isLeaving = () => leaving !== undefined
  const consumer = createConsumer(options, isLeaving)
  const lags = createPartitionLags()
  const fatal = onlyOnce(options.fatal)
  let listener: GroupListener | undefined
  let commitThroughBatch: EachBatchPayload['commitOffsetsIfNecessary'] | undefined
  const membership = followMembership(consumer, {
    ...options,
    fatal,
    leaving: isLeaving,
    assigned: (change) => {
      lags.assigned(change)
      listener?.assigned(change)
    },
    rebalancing: () => listener?.rebalancing?.(),
    // The next run has its own; this one would commit under a member that is no more.
    ended: () => (commitThroughBatch = undefined),
  })
  onOffsetReset(consumer, (reset) => options.report({ kind: 'offset_reset', ...reset }))

  async function start(listenerToCall: GroupListener): Promise<void> {
    listener = listenerToCall
    try {
      await run(consumer, options, async (payload) => {
        // The function stays good over rebalances: it commits under the generation of the moment of its call.
        commitThroughBatch = payload.commitOffsetsIfNecessary
        lags.fetched(fetchedEvent(payload.batch))
        await listenerToCall.eachBatch(payload)
      })
      if (!(await settlesWithin(joinTimeoutMs, membership.firstJoin))) {
        throw new DependencyUnavailable('kafka', 'JOIN_TIMEOUT')
      }
      await membership.firstJoin
    } catch (error) {
      await leave()
      throw asKafkaFailure(error)
    }
  }

  async function commit(positions: readonly PartitionPosition[]): Promise<boolean> {
    if (positions.length === 0) return true
    if (commitThroughBatch === undefined || !membership.running()) return false
    try {
      await commitThroughBatch({ topics: groupByTopic(positions) })
      for (const position of positions)
        options.report({ kind: 'committed', ...position, records: lags.committed(position) })
      return true
    } catch (error) {
      options.report({ kind: 'commit_failed', code: codeOf(error) })
      return false
    }
  }

  function setPaused({ topic, partition }: TopicPartition, paused: boolean): void {
    // Between a crash and its restart there is no group to pause; the next GROUP_JOIN recomputes.
    if (membership.running()) consumer[paused ? 'pause' : 'resume']([{ topic, partitions: [partition] }])
  }

  function leave(): Promise<void> {
    leaving ??= disconnectInTime(consumer, () => membership.dead())
    return leaving
  }

  return {
    start,
    commit,
    setPaused,
    fatal,
    leave,
    lags: lags.lags,
    epoch: membership.epoch,
    seek: ({ topic, partition, offset }) => consumer.seek({ topic, partition, offset: String(offset) }),
    idleMs: () => options.clock() - membership.lastActivity(),
  }
}

/**
 * kafkajs waits for its workers without a bound, and returns early while it still joins; after the deadline the process
 * exits, and the session time-out hands the partitions on.
 */
async function disconnectInTime(consumer: ReturnType<typeof createConsumer>, isDead: () => boolean): Promise<void> {
  const disconnect = async () => {
    // A turn later, so that what this ends already knows that the member leaves.
    await Promise.resolve()
    if (!isDead()) await consumer.disconnect()
  }
  await settlesWithin(leaveTimeoutMs, disconnect())
}

function createConsumer({ connection, groupId, sessionTimeoutMs }: GroupMemberOptions, isLeaving: () => boolean) {
  return createKafka(connection, clientLimits).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatIntervalMs(sessionTimeoutMs),
    maxWaitTimeInMs: fetchWaitMs,
    allowAutoTopicCreation: false,
    retry: {
      // kafkajs counts these over the life of a run and never back: at the end it restarts itself, which costs a
      // rebalance and what was not committed.
      retries: 10,
      initialRetryTime: 100,
      maxRetryTime: 5_000,
      restartOnFailure: async () => !isLeaving(),
    },
  })
}

async function run(
  consumer: Consumer,
  { topics, partitionsConcurrently }: GroupMemberOptions,
  eachBatch: GroupListener['eachBatch'],
): Promise<void> {
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: partitionsConcurrently,
    eachBatch,
  })
}

function groupByTopic(positions: readonly PartitionPosition[]): OffsetsByTopicPartition['topics'] {
  const byTopic = Map.groupBy(positions, (position) => position.topic)
  return [...byTopic].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset) })),
  }))
}

function onlyOnce(tell: (error: Error) => void): (error: Error) => void {
  let told = false
  return (error) => {
    if (told) return
    told = true
    tell(error)
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return 'type' in error && typeof error.type === 'string' ? error.type : error.name
  return 'unknown'
}
