/**
 * How long the lag of one topic takes to drain at the rate of late: what autoscaling and alerts go by, because a lag of a
 * thousand is nothing for one group and an hour for another.
 *
 * The rate is records committed for each second in which there was lag, each second weighing less the older it is. Time
 * without lag does not count: a group that waited all night for its first record has not become slow by it. Whether
 * anything is committed at all is the other question: lag of which nothing was committed for a minute never drains, and
 * counts as `secondsToDrainMax`. Until a group has committed anything, what it tells is how long it has been at it.
 */
export interface DrainEstimate {
  /** Says what has changed: the lag that may be worked on now, and how many records were committed since the last call. */
  observe(lag: number, committed: number): void
  /** From 0, where there is no lag, to `secondsToDrainMax`. */
  seconds(): number
}

/** An hour: longer than anything that somebody would wait for before they add members. */
export const secondsToDrainMax = 3_600

/** The age at which a second of work weighs 1/e: short enough to follow a burst, long enough not to follow each chunk. */
const memoryMs = 15_000
/** Longer than any provider's answer takes, for the oldest call of a partition holds back its commits. */
const stalledAfterMs = 60_000

/** @param clock monotonic ms. */
export function createDrainEstimate(clock: () => number): DrainEstimate {
  let lag = 0
  let observedAtMs = clock()
  /** Since when there is lag and nothing was committed. */
  let movedAtMs = observedAtMs
  let weighedRecords = 0
  let weighedMs = 0

  function pass(nowMs: number): void {
    const workedMs = lag > 0 ? Math.max(0, nowMs - observedAtMs) : 0
    const kept = Math.exp(-workedMs / memoryMs)
    weighedRecords *= kept
    // The integral of what each of these milliseconds weighs now.
    weighedMs = weighedMs * kept + memoryMs * (1 - kept)
    observedAtMs = nowMs
  }

  function observe(lagNow: number, committed: number): void {
    const nowMs = clock()
    pass(nowMs)
    if (committed > 0 || lag === 0) movedAtMs = nowMs
    weighedRecords += committed
    lag = lagNow
  }

  function seconds(): number {
    if (lag === 0) return 0
    const nowMs = clock()
    pass(nowMs)
    const standingMs = nowMs - movedAtMs
    if (standingMs >= stalledAfterMs) return secondsToDrainMax
    if (weighedRecords === 0) return standingMs / 1_000
    return Math.min(secondsToDrainMax, (lag * weighedMs) / weighedRecords / 1_000)
  }

  return { observe, seconds }
}
