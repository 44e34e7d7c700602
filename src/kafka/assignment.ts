/**
 * The partitions that this member owns in hand-off mode.
 *
 * Everything here is synchronous, so that ownership, watermark and commit are read in one tick.
 */
import type { ConsumedRecord } from '../domain/record.ts'
import type { PauseReason, ReportConsumerEvent } from './consumer-event.ts'
import type { GroupMember } from './group-member.ts'
import type { AssignmentChange, PartitionPosition, TopicPartition } from './partition-position.ts'
import type { PartitionInHand } from './partition-progress.ts'
import { createOwnedPartition, type DeliveredBatch, type OwnedPartition } from './owned-partition.ts'
import type { PartitionQueueLimits } from './partition-queue.ts'

export interface AssignmentOptions {
  limits: PartitionQueueLimits
  member: Pick<GroupMember, 'seek' | 'setPaused'>
  report: ReportConsumerEvent
}

export interface Assignment {
  /** Inside GROUP_JOIN: keeps, drops and adds partitions, seeks the kept ones to their tail, recomputes every pause. */
  change(change: AssignmentChange): void
  /** @returns false for a partition that is not owned. */
  deliver(batch: DeliveredBatch): boolean
  /** Up to `limit` records, from one partition after the other in turn. */
  take(limit: number): ConsumedRecord[]
  available(): number
  queued(): number
  /** What each partition holds. */
  inHand(): PartitionInHand[]
  /** Marks a record done, in whichever queue owns its partition now. */
  complete(record: ConsumedRecord): void
  /** The watermarks that moved since they were last committed. */
  uncommitted(): PartitionPosition[]
  /** These are on the broker. */
  committed(positions: readonly PartitionPosition[]): void
  pauseAll(reason: PauseReason): void
  resumeAll(reason: PauseReason): void
}

export function createAssignment({ limits, member, report }: AssignmentOptions): Assignment {
  let owned = new Map<string, OwnedPartition>()
  const everywhere = new Set<PauseReason>()
  let turn = 0

  function change({ owned: assigned, memberId, sameMember }: AssignmentChange): void {
    const before = owned
    const kept = sameMember ? before : new Map<string, OwnedPartition>()
    owned = new Map()
    for (const id of assigned) {
      const key = partitionKey(id)
      const partition = kept.get(key) ?? createOwnedPartition({ id, limits, pausedFor: everywhere, member, report })
      partition.seekToTail()
      partition.restorePause()
      owned.set(key, partition)
    }
    for (const [key, partition] of before) if (owned.get(key) !== partition) partition.drop()
    const keptCount = [...owned.keys()].filter((key) => kept.has(key)).length
    report({ kind: 'joined', memberId, partitions: owned.size, kept: keptCount, lost: before.size - keptCount })
  }

  function deliver(batch: DeliveredBatch): boolean {
    const partition = owned.get(partitionKey(batch))
    partition?.deliver(batch)
    return partition !== undefined
  }

  function take(limit: number): ConsumedRecord[] {
    const taken: ConsumedRecord[] = []
    const partitions = [...owned.values()]
    const first = turn % Math.max(1, partitions.length)
    for (const partition of [...partitions.slice(first), ...partitions.slice(0, first)]) {
      if (taken.length >= limit) break
      taken.push(...partition.take(limit - taken.length))
    }
    turn += 1
    return taken
  }

  function holdAll(reason: PauseReason, present: boolean): void {
    if (present) everywhere.add(reason)
    else everywhere.delete(reason)
    for (const partition of owned.values()) partition.hold(reason, present)
  }

  function uncommitted(): PartitionPosition[] {
    return [...owned.values()].flatMap((partition) => partition.uncommitted() ?? [])
  }

  function committed(positions: readonly PartitionPosition[]): void {
    for (const position of positions) owned.get(partitionKey(position))?.committed(position.offset)
  }

  return {
    change,
    deliver,
    take,
    uncommitted,
    committed,
    available: () => sum(owned, (partition) => partition.available()),
    queued: () => sum(owned, (partition) => partition.queued()),
    inHand: () => [...owned.values()].map((partition) => partition.inHand()),
    complete: (record) => owned.get(partitionKey(record))?.complete(record.offset),
    pauseAll: (reason) => holdAll(reason, true),
    resumeAll: (reason) => holdAll(reason, false),
  }
}

function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function sum(partitions: Map<string, OwnedPartition>, measure: (partition: OwnedPartition) => number): number {
  let total = 0
  for (const partition of partitions.values()) total += measure(partition)
  return total
}
