/**
 * Work that has to be done however long a dependency is away: what follows a provider call must not be given up, or an
 * acceptance would be forgotten and sent again.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { SenderPorts } from './ports.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000

/** Tries until it succeeds or fails otherwise; each wait is bounded, their number is not. */
export async function untilAvailable<T>(
  stage: string,
  work: () => Promise<T>,
  { sleep, observe }: Pick<SenderPorts, 'sleep' | 'observe'>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DependencyUnavailable)) throw error
      observe({ kind: 'unavailable', stage, fault: error, attempt })
      await sleep(Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempt - 1, 10)))
    }
  }
}
