/**
 * Work at an even rate: what is due by now is done, and the next look comes a moment later. Work that takes longer than
 * its share is not caught up with in one burst beyond the batch's limit.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const intervalMs = 50
const batchMax = 500

export interface Pace {
  total: number
  perSecond: number
  /** Ends it before the next batch. */
  signal?: AbortSignal
}

/**
 * Calls `work` with the first index and the size of each batch, one after the other, until `total` are done.
 * @returns how many were done: fewer than `total` only if the signal aborted. What `work` throws ends it.
 */
export async function paced(
  { total, perSecond, signal }: Pace,
  work: (first: number, count: number) => Promise<void>,
): Promise<number> {
  const startMs = performance.now()
  let done = 0
  while (done < total && signal?.aborted !== true) {
    const due = Math.min(total, 1 + Math.floor(((performance.now() - startMs) * perSecond) / 1_000))
    const count = Math.min(batchMax, due - done)
    if (count > 0) {
      await work(done, count)
      done += count
    }
    if (done < total && count < batchMax) await sleep(intervalMs, undefined, { signal }).catch(() => {})
  }
  return done
}
