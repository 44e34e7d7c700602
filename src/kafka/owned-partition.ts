/**
 * One partition that this member owns in hand-off mode: its queue, the reasons why it is not fetched, and how far its
 * watermark is committed.
 */
import type { ConsumedRecord } from '../domain/record.ts'
import type { PauseReason, ReportConsumerEvent } from './consumer-event.ts'
import type { GroupMember } from './group-member.ts'
import type { PartitionPosition, TopicPartition } from './partition-position.ts'
import type { PartitionInHand } from './partition-progress.ts'
import { createPartitionQueue, type PartitionQueueLimits } from './partition-queue.ts'

export interface OwnedPartitionOptions {
  id: TopicPartition
  limits: PartitionQueueLimits
  /** The reasons that hold every partition at this moment. */
  pausedFor: Iterable<PauseReason>
  member: Pick<GroupMember, 'seek' | 'setPaused'>
  report: ReportConsumerEvent
}

export interface DeliveredBatch extends TopicPartition {
  records: readonly ConsumedRecord[]
  positionAfter: bigint
  /** The partition's end at the time of the fetch. */
  highWatermark: bigint
  /** Whether a record is still being worked on since an earlier assignment. */
  isRunning(record: ConsumedRecord): boolean
  /** The partition is another topic's of the same name now: what runs of it must complete into nothing. */
  forgetRunning(): void
}

export interface OwnedPartition {
  deliver(batch: DeliveredBatch): void
  take(limit: number): ConsumedRecord[]
  complete(offset: bigint): void
  /** Adds or removes one reason for not being fetched. */
  hold(reason: PauseReason, present: boolean): void
  /** Fetch on from the tail, where there is one, and not from the committed offset. */
  seekToTail(): void
  /** It is owned no more: nothing holds it. */
  drop(): void
  /** kafkajs keeps a partition paused over revoke and return, whatever the reason was then. */
  restorePause(): void
  /** The watermark, where it moved since the last commit. */
  uncommitted(): PartitionPosition | undefined
  /** The position is on the broker. */
  committed(offset: bigint): void
  available(): number
  queued(): number
  inHand(): PartitionInHand
}

export function createOwnedPartition(options: OwnedPartitionOptions): OwnedPartition {
  const { id, limits, member, report } = options
  const pausedFor = new Set(options.pausedFor)
  for (const reason of pausedFor) report({ kind: 'paused', ...id, reason })
  let queue = createPartitionQueue(limits)
  let committedPosition: bigint | undefined

  function deliver(batch: DeliveredBatch): void {
    if (isRecreated(batch)) {
      const [expected, received] = [queue.position() ?? 0n, batch.records[0]?.offset ?? 0n]
      report({ kind: 'topic_recreated', ...id, expected, received })
      batch.forgetRunning()
      queue = createPartitionQueue(limits)
      committedPosition = undefined
    }
    queue.deliver(batch.records, batch.positionAfter, batch.isRunning)
    updateQueueHold()
  }

  /**
   * Kept partitions are fetched on from their tail. So a record below the watermark, or a log that ends below the tail,
   * is another topic of the same name (or one that was cut off): its offsets mean other records.
   */
  function isRecreated({ records, highWatermark }: DeliveredBatch): boolean {
    const [expected, tail, received] = [queue.position(), queue.tail(), records[0]?.offset]
    if (expected === undefined || tail === undefined || received === undefined) return false
    return received < expected || highWatermark < tail
  }

  function take(limit: number): ConsumedRecord[] {
    const taken = queue.take(limit)
    updateQueueHold()
    return taken
  }

  function updateQueueHold(): void {
    hold('queue', queue.full())
  }

  function hold(reason: PauseReason, present: boolean): void {
    if (pausedFor.has(reason) === present) return
    const wasPaused = pausedFor.size > 0
    if (present) pausedFor.add(reason)
    else pausedFor.delete(reason)
    report({ kind: present ? 'paused' : 'resumed', ...id, reason })
    const isPaused = pausedFor.size > 0
    if (isPaused !== wasPaused) member.setPaused(id, isPaused)
  }

  function drop(): void {
    for (const reason of pausedFor) report({ kind: 'resumed', ...id, reason })
  }

  function seekToTail(): void {
    const tail = queue.tail()
    if (tail !== undefined) member.seek({ ...id, offset: tail })
  }

  function uncommitted(): PartitionPosition | undefined {
    const offset = queue.position()
    return offset === undefined || offset === committedPosition ? undefined : { ...id, offset }
  }

  return {
    deliver,
    take,
    hold,
    drop,
    seekToTail,
    uncommitted,
    restorePause: () => member.setPaused(id, pausedFor.size > 0),
    complete: (offset) => queue.complete(offset),
    committed: (offset) => {
      committedPosition = offset
    },
    available: () => queue.available(),
    queued: () => queue.queued(),
    inHand: () => {
      const queued = queue.queued()
      return { ...id, queued, running: queue.incomplete() - queued, oldestMs: queue.oldestMs() }
    },
  }
}
