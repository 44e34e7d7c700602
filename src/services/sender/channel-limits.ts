/**
 * How many calls each channel of this process may have under way, asked again and again for as long as it runs: what an
 * operator says, else what is configured.
 *
 * Nothing is held up by the question: before the first answer the configuration holds, and while nobody answers what was
 * heard last.
 */
import type { Channel, Lane } from '../../domain/channel.ts'
import type { ServedChannel } from './channel-pauses.ts'

export interface ChannelLimits {
  /** Calls under way at once, at this moment. */
  of(served: ServedChannel): number
  /** Asks no more. Repeats change nothing. */
  stop(): Promise<void>
}

export interface ChannelLimitsOptions {
  /** What this process sends on. */
  served: readonly ServedChannel[]
  /** Where an operator says nothing. */
  configured: number
  /** Throws DependencyUnavailable where nobody can say. */
  load(): Promise<readonly (ServedChannel & { concurrency: number })[]>
  /** Resolves after the wait, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Told at every change, and for what holds at first. */
  observe(change: { channel: Channel; lane: Lane; concurrency: number; isFirst: boolean }): void
}

/** How late a limit or its end is noticed. */
const limitPollMs = 1_000

export function watchChannelLimits(options: ChannelLimitsOptions): ChannelLimits {
  const { served, configured, load, sleep, observe } = options
  const concurrencyOf = new Map(served.map((each) => [keyOf(each), configured]))
  const stopping = new AbortController()

  async function ask(): Promise<void> {
    const limits = await load()
    for (const { channel, lane } of served) {
      const limit = limits.find((each) => each.channel === channel && each.lane === lane)
      const concurrency = limit?.concurrency ?? configured
      if (concurrencyOf.get(keyOf({ channel, lane })) === concurrency) continue
      concurrencyOf.set(keyOf({ channel, lane }), concurrency)
      observe({ channel, lane, concurrency, isFirst: false })
    }
  }

  async function askAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Whoever watches the pauses asks the same database, and tells that it is away.
      await ask().catch(() => {})
      await sleep(limitPollMs, stopping.signal)
    }
  }

  for (const { channel, lane } of served) observe({ channel, lane, concurrency: configured, isFirst: true })
  const asking = askAgainAndAgain()

  return {
    of: (one) => concurrencyOf.get(keyOf(one)) ?? configured,
    stop: () => {
      stopping.abort()
      return asking
    },
  }
}

function keyOf({ channel, lane }: ServedChannel): string {
  return `${channel}.${lane}`
}
