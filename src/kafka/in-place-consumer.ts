/**
 * Consuming in place: for roles whose records have an order within their partition and share their dependencies
 * (router, retry, feedback, profiles).
 *
 * `eachBatch` works through its batch in chunks, a few partitions side by side, with a commit and a heartbeat after
 * each chunk. A crash or a rebalance between a chunk's end and its commit delivers the chunk again; its handler must
 * recognise it.
 */
import type { DeadLetterReason } from '../domain/reason.ts'
import type { ConsumedRecord } from '../domain/record.ts'
import { commitBeforeLeaving } from './final-commit.ts'
import { createGroupMember, type GroupMember, type GroupMemberOptions } from './group-member.ts'
import type { PartitionPosition, TopicPartition } from './partition-position.ts'
import { progressOf } from './partition-progress.ts'
import type { HandleInPlace } from './in-place-handler.ts'
import { createInPlaceWork } from './in-place-work.ts'
import { createPostponements } from './postponements.ts'
import type { RunningConsumer } from './running-consumer.ts'
import { settlesWithin } from './settles-within.ts'
import { startWatchdog } from './watchdog.ts'

export interface InPlaceConsumerOptions extends Omit<GroupMemberOptions, 'partitionsConcurrently'> {
  /** At most this many records a chunk; 500 measured best for the router. */
  chunkSize: number
  handle: HandleInPlace
  /** Publishes the source's bytes to the dead-letter topic; acknowledged when it resolves. */
  deadLetter(record: ConsumedRecord, error: unknown): Promise<DeadLetterReason>
  /** Chunks side by side, of one partition each; more than three only pays where the handler merges them. */
  partitionsConcurrently?: number
  /** How long `stop` waits for running chunks. */
  drainBudgetMs: number
}

/** Measured best on two cores; more partitions side by side only lengthen each other's chunks. */
const partitionsByDefault = 3

/** Joins the group and consumes until `stop`. Throws DependencyUnavailable where the group cannot be joined. */
export async function startInPlaceConsumer(options: InPlaceConsumerOptions): Promise<RunningConsumer> {
  const { report } = options
  const { partitionsConcurrently = partitionsByDefault } = options
  const member = createGroupMember({ ...options, partitionsConcurrently })
  const commits = createCommits(member)
  const postponements = createPostponements(member, report)
  /** Ends fetching and waiting; running chunks go on. */
  const stopping = new AbortController()
  /** Ends waiting for running chunks. */
  const abandoning = new AbortController()
  let owned: readonly TopicPartition[] = []
  const watchdog = startWatchdog({
    waitingRecords: () => work.runningRecords(),
    excused: () => work.faulty() || stopping.signal.aborted,
    report,
    fatal: member.fatal,
  })
  const work = createInPlaceWork({
    ...options,
    epoch: member.epoch,
    commit: commits.commit,
    postpone: postponements.postpone,
    progress: watchdog.progress,
    fatal: (error) => {
      endIntake()
      member.fatal(error)
    },
    stopping: stopping.signal,
    abandoning: abandoning.signal,
  })

  function endIntake(): void {
    stopping.abort()
    postponements.forget()
    for (const partition of owned) member.setPaused(partition, true)
  }

  async function stop(): Promise<void> {
    endIntake()
    watchdog.stop()
    await settlesWithin(options.drainBudgetMs, work.drained())
    const abandonedRecords = work.runningRecords()
    await commitBeforeLeaving(commits.commit)
    // A batch that never ends would hold its partitions until the session is over.
    abandoning.abort()
    await member.leave()
    report({ kind: 'stopped', drained: abandonedRecords === 0, abandonedRecords })
  }

  report({ kind: 'started', progress: () => progressOf(member.lags(), work.inHand(), postponements.waits) })
  try {
    await member.start({
      eachBatch: work.eachBatch,
      assigned: (change) => {
        owned = change.owned
        commits.forget()
        // Every partition is fetched again from its committed offset, and its first record says anew how long it waits.
        postponements.forget()
        for (const partition of owned) member.setPaused(partition, stopping.signal.aborted)
        report({ kind: 'joined', memberId: change.memberId, partitions: owned.length, kept: 0, lost: 0 })
      },
    })
  } catch (error) {
    watchdog.stop()
    throw error
  }
  let stopped: Promise<void> | undefined
  return { stop: () => (stopped ??= stop()), idleMs: member.idleMs }
}

/** Commits how far a partition was worked, and with it those for which that failed under this assignment. */
function createCommits(member: GroupMember) {
  const latest = new Map<string, PartitionPosition>()
  const failed = new Set<string>()

  async function commit(reached?: PartitionPosition): Promise<boolean> {
    const keys = new Set(failed)
    if (reached !== undefined) {
      const key = `${reached.topic}/${reached.partition}`
      latest.set(key, reached)
      keys.add(key)
    }
    const positions = [...keys].flatMap((key) => latest.get(key) ?? [])
    const committed = await member.commit(positions)
    for (const key of keys) {
      if (committed) failed.delete(key)
      else failed.add(key)
    }
    return committed
  }

  /** After a join the partitions may be others'. */
  function forget(): void {
    latest.clear()
    failed.clear()
  }

  return { commit, forget }
}
