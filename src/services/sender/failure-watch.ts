/**
 * Notices that the same failure repeats: more than so many of one reason within a window. Told once for each window, so
 * that what goes wrong a thousand times a second is one line.
 *
 * Windows stand side by side rather than slide: a count and a time for each reason are all that is kept. They begin at
 * multiples of their length, so that all replicas speak of the same ones.
 */
import type { Outcome } from '../../domain/provider.ts'
import { alertCategory } from './failure-alert.ts'

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
  /**
   * @param nowMs Unix ms.
   * @returns the repetition, when these failures are the ones that exceed the limit of the window.
   */
  observe(reason: string, failures: number, nowMs: number): RepeatedFailure | undefined
}

export const failureWatchLimits: FailureWatchLimits = { windowMs: 60_000, failuresMax: 50 }

/** @param limits a reason is one of a closed list, so what is kept is bounded. */
export function createFailureWatch({ windowMs, failuresMax }: FailureWatchLimits): FailureWatch {
  const windows = new Map<string, { startMs: number; failures: number }>()

  function observe(reason: string, failures: number, nowMs: number): RepeatedFailure | undefined {
    const startMs = windowStart(nowMs, windowMs)
    const current = windows.get(reason)
    const window = current?.startMs === startMs ? current : { startMs, failures: 0 }
    const before = window.failures
    window.failures += failures
    windows.set(reason, window)
    if (before > failuresMax || window.failures <= failuresMax) return undefined
    return { reason, failures: window.failures, windowMs }
  }

  return { observe }
}

/** The multiple of the length that a moment lies after: of Unix time, so the same everywhere. */
export function windowStart(nowMs: number, windowMs: number): number {
  return nowMs - (nowMs % windowMs)
}

/**
 * Whether people can mend it. Addresses die all the time, and their repetition says nothing. Alerts are left out: one
 * that fails must not be the reason for the next.
 */
export function isWatched(outcome: Outcome, category: string): boolean {
  if (category === alertCategory || outcome.kind === 'accepted') return false
  return !(outcome.kind === 'rejected' && outcome.invalidAddress === true)
}
