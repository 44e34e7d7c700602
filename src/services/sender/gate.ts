/**
 * Stage 1, the gate: places for calls, acquired before the claim, so that a claim covers only what can start now.
 *
 * It gathers places for a moment rather than admitting records one by one as calls return: a claim costs a round trip,
 * and the lease of a record that waits for its place runs.
 */
import { admissionLingerMs, admissionShare } from './sender-settings.ts'

export interface Gate {
  /** Waits for places and takes at most `wanted`. Rejects with the signal's reason. */
  admit(wanted: number, signal: AbortSignal): Promise<number>
  release(places: number): void
  /** Closes for a while: the account is refused. */
  hold(holdMs: number): void
  holding(): boolean
}

export interface GateOptions {
  concurrency: number
  /** Monotonic ms. */
  clock(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export function createGate({ concurrency, clock, sleep }: GateOptions): Gate {
  const enough = Math.max(1, Math.floor(concurrency * admissionShare))
  let free = concurrency
  let heldUntil = 0
  let released = Promise.withResolvers<void>()

  async function admit(wanted: number, signal: AbortSignal): Promise<number> {
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      while (heldUntil > clock()) {
        signal.throwIfAborted()
        await sleep(heldUntil - clock(), signal)
      }
      const target = Math.min(wanted, enough)
      if (free > 0 && free < target) await sleep(admissionLingerMs, signal)
      while (free === 0) {
        signal.throwIfAborted()
        await Promise.race([released.promise, aborted.promise])
        if (free > 0 && free < target) await sleep(admissionLingerMs, signal)
      }
      signal.throwIfAborted()
      const admitted = Math.min(wanted, free)
      free -= admitted
      return admitted
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  function release(places: number): void {
    if (places === 0) return
    free += places
    released.resolve()
    released = Promise.withResolvers<void>()
  }

  return {
    admit,
    release,
    hold: (holdMs) => {
      heldUntil = Math.max(heldUntil, clock() + holdMs)
    },
    holding: () => heldUntil > clock(),
  }
}
