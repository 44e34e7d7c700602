/**
 * Consuming by hand-off: for senders, where a slow call must not hold anything else.
 *
 * `eachBatch` only enqueues and returns, so fetching never waits for work. Each partition has a bounded queue, paused
 * over its high mark and resumed under its low one. Chunks are taken from the queues in turn, as many records as the
 * handler admits, and each record completes on its own; what may be committed is the low watermark.
 *
 * Over a rebalance, running work goes on. Kept partitions keep their queue and are fetched on from its tail (kafkajs
 * would fetch them again from the committed offset); lost ones drop theirs, and what was queued there is another
 * member's now.
 */
import type { EachBatchPayload } from 'kafkajs'
import type { DeadLetterReason } from '../domain/reason.ts'
import type { ConsumedRecord } from '../domain/record.ts'
import { createAssignment, type Assignment } from './assignment.ts'
import { fetchedEvent, recordsOf } from './consumed-record.ts'
import { commitBeforeLeaving } from './final-commit.ts'
import { createGroupMember, type GroupMember, type GroupMemberOptions } from './group-member.ts'
import type { HandOffHandler } from './hand-off-handler.ts'
import { createHandOffWork, type HandOffWork } from './hand-off-work.ts'
import { progressOf } from './partition-progress.ts'
import type { PartitionQueueLimits } from './partition-queue.ts'
import type { RunningConsumer } from './running-consumer.ts'
import { settlesWithin } from './settles-within.ts'
import { startWatchdog } from './watchdog.ts'

export interface HandOffConsumerOptions extends Omit<GroupMemberOptions, 'partitionsConcurrently'> {
  handler: HandOffHandler
  /** At most this many records a chunk. */
  chunkSize: number
  queueLimits: PartitionQueueLimits
  /** Publishes the source's bytes to the dead-letter topic; acknowledged when it resolves. */
  deadLetter(record: ConsumedRecord, error: unknown): Promise<DeadLetterReason>
  /** How long `stop` waits for running records. */
  drainBudgetMs: number
}

/** How often the watermarks are committed: what a crash delivers again although it was complete. */
const commitIntervalMs = 500
/** eachBatch only enqueues, so partitions need no side by side. */
const partitionsConcurrently = 1

/** Joins the group and consumes until `stop`. Throws DependencyUnavailable where the group cannot be joined. */
export async function startHandOffConsumer(options: HandOffConsumerOptions): Promise<RunningConsumer> {
  const { handler, report } = options
  const member = createGroupMember({ ...options, partitionsConcurrently })
  const assignment = createAssignment({ limits: options.queueLimits, member, report })
  const stopping = new AbortController()
  const watchdog = startWatchdog({
    waitingRecords: () => assignment.queued() + work.running(),
    excused: () => work.faulty() || stopping.signal.aborted || handler.holding(),
    report,
    fatal: member.fatal,
  })
  const work = createHandOffWork({
    ...options,
    assignment,
    fatal: member.fatal,
    progress: watchdog.progress,
    stopping: stopping.signal,
  })
  const commits = startCommitting(member, assignment)

  async function stop(): Promise<void> {
    stopping.abort()
    work.wake()
    watchdog.stop()
    assignment.pauseAll('stopping')
    await settlesWithin(
      options.drainBudgetMs,
      pumping.then(() => work.drained()),
    )
    const abandonedRecords = work.running()
    await commits.finish()
    await member.leave()
    report({ kind: 'stopped', drained: abandonedRecords === 0, abandonedRecords })
  }

  report({ kind: 'started', progress: () => progressOf(member.lags(), assignment.inHand()) })
  try {
    await member.start({
      eachBatch: (payload) => enqueue(payload, { assignment, work, report, stopping: stopping.signal }),
      assigned: (change) => {
        assignment.change(change)
        work.wake()
      },
      rebalancing: commits.soon,
    })
  } catch (error) {
    watchdog.stop()
    commits.cancel()
    throw error
  }
  const pumping = work.pump()
  let stopped: Promise<void> | undefined
  return { stop: () => (stopped ??= stop()), idleMs: member.idleMs }
}

interface Enqueueing extends Pick<HandOffConsumerOptions, 'report'> {
  assignment: Assignment
  work: HandOffWork
  stopping: AbortSignal
}

async function enqueue({ batch, resolveOffset }: EachBatchPayload, into: Enqueueing): Promise<void> {
  const { assignment, work, report } = into
  if (into.stopping.aborted) return
  const { topic, partition } = batch
  const accepted = assignment.deliver({
    topic,
    partition,
    records: recordsOf(batch),
    positionAfter: BigInt(batch.lastOffset()) + 1n,
    highWatermark: BigInt(batch.highWatermark),
    isRunning: work.isRunning,
    forgetRunning: () => work.forget({ topic, partition }),
  })
  // A partition that was lost while its batch was on the way: its new owner fetches it.
  if (!accepted) return
  resolveOffset(batch.lastOffset())
  report(fetchedEvent(batch))
  work.wake()
}

/** Commits the watermarks on a timer, one commit at a time, and before a rebalance and the end. */
function startCommitting(member: GroupMember, assignment: Assignment) {
  let committing: Promise<boolean> | undefined

  async function commit(): Promise<boolean> {
    const positions = assignment.uncommitted()
    const committed = await member.commit(positions)
    if (committed) assignment.committed(positions)
    return committed
  }

  function soon(): void {
    committing ??= commit().finally(() => {
      committing = undefined
    })
  }
  const timer = setInterval(soon, commitIntervalMs)

  async function finish(): Promise<void> {
    clearInterval(timer)
    // One under way may be of before the drain.
    await commitBeforeLeaving(async () => (await committing, await commit()))
  }

  return { soon, finish, cancel: () => clearInterval(timer) }
}
