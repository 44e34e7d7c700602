/**
 * Work that has to be done however long a dependency is away: what follows a provider call must not be given up, or an
 * acceptance would be forgotten and sent again.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { SenderPorts } from './ports.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000

export interface Patience {
  /** Tries until the work succeeds or fails otherwise; each wait is bounded, their number is not. */
  untilAvailable<T>(stage: string, work: () => Promise<T>): Promise<T>
  /** Whether anything waits: standing still is right then. */
  waiting(): boolean
}

export function createPatience({ sleep, observe }: Pick<SenderPorts, 'sleep' | 'observe'>): Patience {
  let waits = 0

  async function waitOut(stage: string, fault: DependencyUnavailable, attempt: number): Promise<void> {
    observe({ kind: 'unavailable', stage, fault, attempt })
    waits += 1
    await sleep(Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt - 1, 10)))
    waits -= 1
  }

  async function untilAvailable<T>(stage: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof DependencyUnavailable)) throw error
        await waitOut(stage, error, attempt)
      }
    }
  }

  return { untilAvailable, waiting: () => waits > 0 }
}
