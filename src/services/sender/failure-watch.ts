/**
 * Notices that the same failure repeats: more than so many of one reason within a window. Told once for each window, so
 * that what goes wrong a thousand times a second is one line.
 *
 * Windows stand side by side rather than slide: a count and a time for each reason are all that is kept.
 */
export interface FailureWatchLimits {
  windowMs: number
  /** So many are ordinary; one more is not. */
  failuresMax: number
}

export interface RepeatedFailure {
  reason: string
  /** In the window so far. */
  failures: number
  windowMs: number
}

export interface FailureWatch {
  /** @returns the repetition, when these failures are the ones that exceed the limit of the window. */
  observe(reason: string, failures: number, nowMs: number): RepeatedFailure | undefined
}

export const failureWatchLimits: FailureWatchLimits = { windowMs: 60_000, failuresMax: 50 }

/** @param limits a reason is one of a closed list, so what is kept is bounded. */
export function createFailureWatch({ windowMs, failuresMax }: FailureWatchLimits): FailureWatch {
  const windows = new Map<string, { startMs: number; failures: number }>()

  function observe(reason: string, failures: number, nowMs: number): RepeatedFailure | undefined {
    const current = windows.get(reason)
    const lasts = current !== undefined && nowMs < current.startMs + windowMs
    const window = lasts ? current : { startMs: nowMs, failures: 0 }
    const before = window.failures
    window.failures += failures
    windows.set(reason, window)
    if (before > failuresMax || window.failures <= failuresMax) return undefined
    return { reason, failures: window.failures, windowMs }
  }

  return { observe }
}
