/**
 * The bounded queue of one assigned partition in hand-off mode: records that were fetched and not yet started.
 *
 * It says when fetching should pause and resume, and gives out records only while they lie within the window: a record
 * far ahead of the oldest incomplete one would only lengthen what a crash redelivers. Pure: no clock, no I/O.
 */
import type { ConsumedRecord } from '../domain/record.ts'
import { createWatermark } from './watermark.ts'

export interface PartitionQueueLimits {
  /** At this many queued records fetching pauses. */
  highMark: number
  /** At this many it resumes. */
  lowMark: number
  /** No record is given out that lies further than this from the watermark, in delivered records. */
  window: number
}

export interface PartitionQueue {
  /**
   * Takes over a batch in offset order, with the position after it; drops what was delivered before.
   * @param isRunning whether a record is still being worked on since an earlier assignment: it counts as delivered, and
   *   its completion will come, but it must not be started a second time.
   */
  deliver(
    records: readonly ConsumedRecord[],
    positionAfter: bigint,
    isRunning: (record: ConsumedRecord) => boolean,
  ): void
  /** Up to `limit` records that may start now, in order. */
  take(limit: number): ConsumedRecord[]
  /** How many `take` would give without a limit. */
  available(): number
  complete(offset: bigint): void
  /** The offset to commit. */
  position(): bigint | undefined
  /** Where fetching goes on. */
  tail(): bigint | undefined
  queued(): number
  /** Delivered and not complete: queued or running. */
  incomplete(): number
  /** Timestamp of the oldest record that is not complete, Unix ms. */
  oldestMs(): number | undefined
  /** Whether fetching should be paused, with the hysteresis of the two marks. */
  full(): boolean
}

export function createPartitionQueue(limits: PartitionQueueLimits): PartitionQueue {
  const watermark = createWatermark()
  const timestampOf = new Map<bigint, number>()
  let queue: ConsumedRecord[] = []
  let next = 0
  let full = false

  function deliver(
    records: readonly ConsumedRecord[],
    positionAfter: bigint,
    isRunning: (record: ConsumedRecord) => boolean,
  ): void {
    const fresh = watermark.deliver(
      records.map((record) => record.offset),
      positionAfter,
    )
    for (const record of records.slice(records.length - fresh.length)) {
      timestampOf.set(record.offset, record.timestampMs)
      if (!isRunning(record)) queue.push(record)
    }
    updateFull()
  }

  function take(limit: number): ConsumedRecord[] {
    const count = Math.min(limit, available())
    const taken = queue.slice(next, next + count)
    next += count
    if (next * 2 > queue.length) {
      queue = queue.slice(next)
      next = 0
    }
    updateFull()
    return taken
  }

  function available(): number {
    const first = queue[next]
    if (first === undefined) return 0
    let count = Math.min(limits.window - watermark.spanTo(first.offset) + 1, queue.length - next)
    // Queued records follow one another, unless some between them ran already when they were delivered.
    while (count > 0 && spanOf(queue[next + count - 1]) > limits.window) count -= 1
    return Math.max(0, count)
  }

  function oldestMs(): number | undefined {
    const oldest = watermark.position()
    return oldest === undefined ? undefined : timestampOf.get(oldest)
  }

  function spanOf(record: ConsumedRecord | undefined): number {
    return record === undefined ? 0 : watermark.spanTo(record.offset)
  }

  function updateFull(): void {
    const queued = queue.length - next
    if (queued >= limits.highMark) full = true
    else if (queued <= limits.lowMark) full = false
  }

  return {
    deliver,
    take,
    available,
    complete: (offset) => {
      timestampOf.delete(offset)
      watermark.complete(offset)
    },
    oldestMs,
    position: () => watermark.position(),
    tail: () => watermark.tail(),
    queued: () => queue.length - next,
    incomplete: () => watermark.incomplete(),
    full: () => full,
  }
}
