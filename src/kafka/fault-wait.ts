/**
 * Waiting while a dependency is away, for whole chunks at once: how long, and what it tells the outside.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import { faultBackoffMs } from './chunk-attempt.ts'
import type { ReportConsumerEvent } from './consumer-event.ts'

export interface FaultWaitOptions {
  report: ReportConsumerEvent
  /** Ends every wait. */
  stopping: AbortSignal
  /** The first chunk begins to wait. */
  began?(): void
  /** No chunk waits any more. */
  ended?(): void
}

export interface FaultWait {
  /** @returns false where no further try shall be made, since the consumer stops. */
  waitOut(fault: DependencyUnavailable, attempt: number): Promise<boolean>
  /** Whether any chunk waits. */
  waiting(): boolean
}

export function createFaultWait({ report, stopping, began, ended }: FaultWaitOptions): FaultWait {
  let waiting = 0

  async function waitOut(fault: DependencyUnavailable, attempt: number): Promise<boolean> {
    const waitMs = faultBackoffMs(attempt)
    report({ kind: 'dependency_unavailable', dependency: fault.dependency, code: fault.code, attempt, waitMs })
    waiting += 1
    if (waiting === 1) began?.()
    // It rejects with the abort, and with nothing else.
    await sleep(waitMs, undefined, { signal: stopping }).catch(() => {})
    waiting -= 1
    if (waiting === 0) ended?.()
    return !stopping.aborted
  }

  return { waitOut, waiting: () => waiting > 0 }
}
