/**
 * How long one provider call may take, and what it came to when no answer came.
 *
 * The SDKs' own time-outs measure silence on a socket: none covers waiting for a free connection, and an answer that
 * drips in renews them. The deadline runs from the start of the call to the last byte of its answer.
 */
import type { Outcome } from '../domain/provider.ts'

export interface CallDeadline extends Disposable {
  /** Aborts when the time is up or the caller gives up, whichever is first. */
  readonly signal: AbortSignal
}

/** @param caller aborts the call early; it may outlive many calls, and no listener is left on it after disposal. */
export function startCallDeadline(timeoutMs: number, caller: AbortSignal): CallDeadline {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  const timer = setTimeout(abort, timeoutMs)
  if (caller.aborted) abort()
  else caller.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      caller.removeEventListener('abort', abort)
    },
  }
}

export interface UnansweredCall {
  /** Whether a byte of the request may have left: only if not, the provider definitely does not have the message. */
  written: boolean
  /** Whether the deadline ended the call, or else the connection did. */
  timedOut: boolean
}

/** Once written, nobody can tell whether the provider took the message; before that it is a definite no. */
export function outcomeOfUnanswered(call: UnansweredCall): Outcome {
  if (call.written) return { kind: 'unknown', reason: call.timedOut ? 'timed_out' : 'connection_lost' }
  return { kind: 'retry', reason: call.timedOut ? 'timed_out' : 'connection_failed' }
}
