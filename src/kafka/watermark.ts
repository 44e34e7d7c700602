/**
 * The low watermark of one assigned partition: the offset that may be committed.
 *
 * Records are delivered in offset order and completed in any order, but Kafka remembers one offset per partition and
 * group. So the watermark is the first delivered record that is not complete: everything before it is done, and a
 * crash redelivers only what lies at or after it. Offsets have gaps (compaction, transaction markers), so it runs over
 * delivered records and never over integers; once all of them are complete it is the position after the last batch,
 * beyond any gap at that batch's end.
 *
 * A ring of ordinals rather than an ordered map: completing is constant time however many records lie behind the
 * oldest, which matters when one slow call holds the watermark while thousands pass it. No clock, no I/O.
 */
export interface Watermark {
  /**
   * Takes over a batch: its offsets in ascending order, and the position after the batch.
   * @returns the offsets that are new. After a rebalance kafkajs may fetch again what this process already holds.
   */
  deliver(offsets: readonly bigint[], positionAfter: bigint): bigint[]
  /** Marks one record done. Repeats and records that were never delivered change nothing. */
  complete(offset: bigint): void
  /** The offset to commit, or undefined before the first batch. Never decreases. */
  position(): bigint | undefined
  /** The position after the last delivered batch: where fetching goes on. */
  tail(): bigint | undefined
  /** How many records delivered up to this one lie at or after the watermark: what starting it would redeliver. */
  spanTo(offset: bigint): number
  /** How many delivered records are not complete. */
  incomplete(): number
}

export function createWatermark(): Watermark {
  /** Ordinal of every delivered record at or after the watermark, complete or not. */
  const ordinalOf = new Map<bigint, number>()
  /** Offsets from the watermark on, indexed by ordinal minus `firstOrdinal`; undefined once complete. */
  let window: (bigint | undefined)[] = []
  let firstOrdinal = 0
  let head = 0
  let incompleteCount = 0
  let positionAfterLastBatch: bigint | undefined

  function deliver(offsets: readonly bigint[], positionAfter: bigint): bigint[] {
    const held = positionAfterLastBatch
    const fresh = held === undefined ? [...offsets] : offsets.filter((offset) => offset >= held)
    for (const offset of fresh) {
      ordinalOf.set(offset, firstOrdinal + window.length)
      window.push(offset)
    }
    incompleteCount += fresh.length
    if (held === undefined || positionAfter > held) positionAfterLastBatch = positionAfter
    return fresh
  }

  function complete(offset: bigint): void {
    const ordinal = ordinalOf.get(offset)
    if (ordinal === undefined) return
    const index = ordinal - firstOrdinal
    window[index] = undefined
    ordinalOf.delete(offset)
    incompleteCount -= 1
    while (head < window.length && window[head] === undefined) head += 1
    if (head > compactionThreshold && head * 2 > window.length) {
      window = window.slice(head)
      firstOrdinal += head
      head = 0
    }
  }

  function spanTo(offset: bigint): number {
    const ordinal = ordinalOf.get(offset)
    return ordinal === undefined ? 0 : ordinal - (firstOrdinal + head) + 1
  }

  return {
    deliver,
    complete,
    spanTo,
    position: () => window[head] ?? positionAfterLastBatch,
    tail: () => positionAfterLastBatch,
    incomplete: () => incompleteCount,
  }
}

/** Completed entries are cut off in blocks, so that a slice costs less than what it frees. */
const compactionThreshold = 1_024
