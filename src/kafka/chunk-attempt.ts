/**
 * Works a chunk until every record of it is settled, whatever fails: the one place that tells a lost dependency from a
 * record that cannot be processed.
 *
 * A dependency that is away is waited for, and what is left of the chunk tried again: lag grows, nothing is
 * dead-lettered. Any other failure may be one record's fault, so the chunk is halved down to single records. Only a
 * record that failed in a call of its own goes to the dead-letter topic; its neighbours flow. Trying again is safe
 * because every stage recognises what it did before.
 */
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../domain/record.ts'

export interface ChunkAttempt {
  /** Settles all of the records, or throws; may have settled some of them by then. Never called without records. */
  handle(records: readonly ConsumedRecord[]): Promise<void>
  /** Which of the records are not settled yet. */
  unsettled(records: readonly ConsumedRecord[]): readonly ConsumedRecord[]
  /** Publishes the one record that cannot be processed and settles it. */
  deadLetter(record: ConsumedRecord, error: unknown): Promise<void>
  /** Tells of a failure that leads to halving, before it does. */
  failed(records: readonly ConsumedRecord[], error: unknown): void
  /**
   * Waits before the next try. What it throws ends the attempt and reaches the caller (a rebalance, in place).
   * @returns false where no further try shall be made, since the consumer stops.
   */
  waitOut(fault: DependencyUnavailable, attempt: number): Promise<boolean>
  /** Tells that a try met no lost dependency any more, after this many that did. */
  recovered(attempts: number): void
}

/**
 * @returns whether everything was settled; false only if `waitOut` gave up. Throws what `waitOut` threw, or what made
 * the dead letter itself impossible.
 */
export async function settleChunk(records: readonly ConsumedRecord[], attempt: ChunkAttempt): Promise<boolean> {
  let tried = attempt.unsettled(records)
  const failure = await untilAvailable(async () => {
    tried = attempt.unsettled(tried)
    if (tried.length > 0) await attempt.handle(tried)
    if (attempt.unsettled(tried).length > 0) throw new Error('the handler resolved and left records unsettled')
  }, attempt)
  if (failure === 'settled') return true
  if (failure === 'gave_up') return false
  const left = attempt.unsettled(tried)
  attempt.failed(left, failure.error)
  const [only] = left
  if (only === undefined) return true
  if (tried.length === 1) {
    const published = await untilAvailable(() => attempt.deadLetter(only, failure.error), attempt)
    if (typeof published === 'string') return published === 'settled'
    throw published.error
  }
  const middle = Math.ceil(left.length / 2)
  return (await settleChunk(left.slice(0, middle), attempt)) && (await settleChunk(left.slice(middle), attempt))
}

type Tried = 'settled' | 'gave_up' | { error: unknown }

/** Unbounded on purpose: an outage of any length only grows lag. Each wait is bounded by the caller. */
async function untilAvailable(
  work: () => Promise<void>,
  { waitOut, recovered }: Pick<ChunkAttempt, 'waitOut' | 'recovered'>,
): Promise<Tried> {
  for (let attempts = 1; ; attempts += 1) {
    const fault = await faultOf(work)
    if (fault?.error instanceof DependencyUnavailable) {
      if (!(await waitOut(fault.error, attempts))) return 'gave_up'
      continue
    }
    if (attempts > 1) recovered(attempts - 1)
    return fault ?? 'settled'
  }
}

async function faultOf(work: () => Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return { error }
  }
}

/** How long to wait before the next try: doubling from the first to the longest. */
export function faultBackoffMs(attempt: number): number {
  return Math.min(longestFaultBackoffMs, firstFaultBackoffMs * 2 ** Math.min(attempt - 1, 20))
}

const firstFaultBackoffMs = 100
const longestFaultBackoffMs = 5_000
