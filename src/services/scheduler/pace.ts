/**
 * How fast what waited may resume: the end of a quiet night must not flood the lane that login codes use.
 */

export interface Pace {
  /** How many may go now, at most `wanted`; they count as gone. */
  take(wanted: number): number
  /** Gives back what was taken and did not go. */
  giveBack(count: number): void
}

/** What may go at once after a pause, in seconds of the pace. */
const burstSeconds = 0.5
/** Less than this is not worth a transaction: it waits for more. */
const leastSeconds = 0.05

/** @param clock monotonic ms. */
export function createPace(perSecond: number, clock: () => number): Pace {
  const most = Math.max(1, perSecond * burstSeconds)
  const least = Math.max(1, perSecond * leastSeconds)
  let allowed = most
  let atMs = clock()

  return {
    take: (wanted) => {
      const nowMs = clock()
      allowed = Math.min(most, allowed + ((nowMs - atMs) / 1_000) * perSecond)
      atMs = nowMs
      if (allowed < least) return 0
      const taken = Math.min(wanted, Math.floor(allowed))
      allowed -= taken
      return taken
    },
    giveBack: (count) => {
      allowed = Math.min(most, allowed + count)
    },
  }
}
