/**
 * Who made how many requests in the present window: counted for all replicas together, and while that cannot be done by
 * each process alone. Then a limit is at most as many times itself as there are replicas; nobody is let in uncounted.
 */
import { LRUCache } from 'lru-cache'
import type { RequestCounter } from '../../http/rate-limit.ts'

export interface RequestCounterPorts {
  /** Undefined while it cannot be counted together. */
  countTogether(key: string, windowMs: number): Promise<{ requests: number; windowEndsInMs: number } | undefined>
  /** Monotonic ms. */
  clock(): number
  /** It was counted by this process alone. */
  countedAlone(): void
}

/** Keys counted at once; the least recently used one starts anew. */
const keysMax = 50_000

export function createRequestCounter({ countTogether, clock, countedAlone }: RequestCounterPorts): RequestCounter {
  const windows = new LRUCache<string, { requests: number; endsAtMs: number }>({ max: keysMax })

  function countAlone(key: string, windowMs: number): { requests: number; windowEndsInMs: number } {
    const nowMs = clock()
    const present = windows.get(key)
    const window =
      present !== undefined && present.endsAtMs > nowMs ? present : { requests: 0, endsAtMs: nowMs + windowMs }
    window.requests += 1
    windows.set(key, window)
    return { requests: window.requests, windowEndsInMs: window.endsAtMs - nowMs }
  }

  return {
    count: async (key, windowMs) => {
      const counted = await countTogether(key, windowMs)
      if (counted !== undefined) return counted
      countedAlone()
      return countAlone(key, windowMs)
    },
  }
}
