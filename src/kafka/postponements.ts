/**
 * Partitions that are paused until their first record is due.
 *
 * A rebalance forgets them all: kafkajs keeps a partition paused over revoke and return, so the assignment resumes every
 * partition, and the handler says again how long its first record waits.
 */
import type { ReportConsumerEvent } from './consumer-event.ts'
import type { GroupMember } from './group-member.ts'
import type { TopicPartition } from './partition-position.ts'

export interface Postponements {
  /** Pauses the partition and resumes it after the wait. */
  postpone(partition: TopicPartition, waitMs: number): void
  /** Ends every wait and leaves the partitions as they are. */
  forget(): void
  waits(partition: TopicPartition): boolean
}

/**
 * Then the record is fetched and asked again. Nothing is early by it, and a header that names the far future cannot
 * overflow the timer, which would fire at once and for ever.
 */
const longestWaitMs = 600_000

export function createPostponements(
  member: Pick<GroupMember, 'setPaused'>,
  report: ReportConsumerEvent,
): Postponements {
  const timerOf = new Map<string, { partition: TopicPartition; timer: NodeJS.Timeout }>()

  function postpone(partition: TopicPartition, waitMs: number): void {
    const key = `${partition.topic}/${partition.partition}`
    member.setPaused(partition, true)
    report({ kind: 'paused', ...partition, reason: 'not_due' })
    const timer = setTimeout(
      () => {
        timerOf.delete(key)
        report({ kind: 'resumed', ...partition, reason: 'not_due' })
        member.setPaused(partition, false)
      },
      Math.min(waitMs, longestWaitMs),
    ).unref()
    timerOf.set(key, { partition, timer })
  }

  function forget(): void {
    for (const { partition, timer } of timerOf.values()) {
      clearTimeout(timer)
      report({ kind: 'resumed', ...partition, reason: 'not_due' })
    }
    timerOf.clear()
  }

  return { postpone, forget, waits: ({ topic, partition }) => timerOf.has(`${topic}/${partition}`) }
}
