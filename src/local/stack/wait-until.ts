/**
 * Waiting for something that gives no signal of its own: a port that answers, a process that is gone. Asks at once and
 * then at short intervals, and always ends.
 */
import { setTimeout as delay } from 'node:timers/promises'

export interface WaitOptions {
  timeoutMs: number
  intervalMs?: number
  /** Ends the wait early; the promise rejects with the signal's reason. */
  signal?: AbortSignal
}

export type WaitOutcome = { met: true } | { met: false; lastError: unknown }

const DEFAULT_INTERVAL_MS = 25
const BLOCKING_INTERVAL_MS = 5

/** Asks until the answer is true or the time is over. An exception counts as "not yet", the last one is handed back. */
export async function waitUntil(ask: () => boolean | Promise<boolean>, options: WaitOptions): Promise<WaitOutcome> {
  const deadlineMs = performance.now() + options.timeoutMs
  let lastError: unknown
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      if (await ask()) return { met: true }
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (performance.now() >= deadlineMs) return { met: false, lastError }
    await delay(options.intervalMs ?? DEFAULT_INTERVAL_MS)
  }
}

/** The same for code that may not give way, such as an exit handler: blocks the thread. Whether it was met in time. */
export function waitUntilSync(ask: () => boolean, options: { timeoutMs: number }): boolean {
  const deadlineMs = performance.now() + options.timeoutMs
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  while (!ask()) {
    if (performance.now() >= deadlineMs) return false
    Atomics.wait(never, 0, 0, BLOCKING_INTERVAL_MS)
  }
  return true
}
