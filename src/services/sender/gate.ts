/**
 * Stage 1, the gate: places for calls, acquired before the claim, so that a claim covers only what can start now.
 *
 * It gathers places for a moment rather than admitting records one by one as calls return: a claim costs a round trip,
 * and the lease of a record that waits for its place runs.
 *
 * A channel that is paused and an account that is refused close it: whoever is inside goes on, nobody enters.
 */
import type { ChannelPause } from './channel-pauses.ts'
import { admissionLingerMs, admissionShare } from './sender-settings.ts'

export interface Gate {
  /** Waits for places and takes at most `wanted`. Rejects with the signal's reason. */
  admit(wanted: number, signal: AbortSignal): Promise<number>
  release(places: number): void
  /** Closes for a while: the account is refused. */
  hold(holdMs: number): void
  /** Whether an operator has paused the channel. */
  paused(): boolean
  /** Whether nobody may enter, for whichever reason. */
  closed(): boolean
}

export interface GateOptions {
  /** May change between two calls; at least 1. Who is inside stays. */
  concurrency(): number
  pause: ChannelPause
  /** Monotonic ms. */
  clock(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export function createGate({ concurrency, pause, clock, sleep }: GateOptions): Gate {
  let inside = 0
  let heldUntil = 0
  let released = Promise.withResolvers<void>()

  /** None where it was lowered below those who are inside; their leaving wakes whoever waits. */
  const free = () => Math.max(0, concurrency() - inside)
  const enough = () => Math.max(1, Math.floor(concurrency() * admissionShare))

  async function admit(wanted: number, signal: AbortSignal): Promise<number> {
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    let hasLingered = false
    try {
      // Every reason is looked at again after every wait: the gate may have closed while it waited for places.
      for (;;) {
        signal.throwIfAborted()
        if (pause.paused()) await Promise.race([pause.lifted(), aborted.promise])
        else if (heldUntil > clock()) await sleep(heldUntil - clock(), signal)
        else if (free() === 0) await Promise.race([released.promise, aborted.promise])
        else if (free() < Math.min(wanted, enough()) && !hasLingered) {
          hasLingered = true
          await sleep(admissionLingerMs, signal)
        } else break
      }
      const admitted = Math.min(wanted, free())
      inside += admitted
      return admitted
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  function release(places: number): void {
    if (places === 0) return
    inside -= places
    released.resolve()
    released = Promise.withResolvers<void>()
  }

  return {
    admit,
    release,
    hold: (holdMs) => {
      heldUntil = Math.max(heldUntil, clock() + holdMs)
    },
    paused: pause.paused,
    closed: () => pause.paused() || heldUntil > clock(),
  }
}
