/**
 * Which channels an operator has paused, asked again and again for as long as the process runs.
 *
 * Before the first answer a channel counts as paused: a sender that is started again must not call before it has asked.
 * Afterwards what was heard last holds while the question cannot be answered. Nothing is reported as a fault then: a
 * claim has to ask the same database, and waits for it.
 */
import type { Channel, Lane } from '../../domain/channel.ts'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'

export interface ServedChannel {
  channel: Channel
  lane: Lane
}

/** One channel's pause, as its gate asks for it. */
export interface ChannelPause {
  paused(): boolean
  /** Resolves when it is not paused any more. */
  lifted(): Promise<void>
}

export interface ChannelPauses {
  of(served: ServedChannel): ChannelPause
  /** Asks no more. Repeats change nothing. */
  stop(): Promise<void>
}

export interface ChannelPausesOptions {
  /** What this process sends on. */
  served: readonly ServedChannel[]
  /** Whatever is paused now. Throws DependencyUnavailable where nobody can say. */
  load(): Promise<readonly ServedChannel[]>
  /** Resolves after the wait, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  observe(observation: PauseObservation): void
}

export type PauseObservation =
  /** Told at every change, and for the first answer. */
  | { kind: 'paused' | 'open'; channel: Channel; lane: Lane; isFirst: boolean }
  /** Told once for as long as it lasts. */
  | { kind: 'unreadable'; error: unknown }

/** How late a pause or its end is noticed. */
export const pausePollMs = 1_000

/** Resolves when it has asked once. Throws what is no lost dependency: then nothing of this version can run. */
export async function watchChannelPauses(options: ChannelPausesOptions): Promise<ChannelPauses> {
  const { served, load, sleep, observe } = options
  const pauseOf = new Map(served.map((each) => [keyOf(each), createPause()]))
  const stopping = new AbortController()
  let isUnreadable = false

  async function ask(): Promise<void> {
    const paused = new Set((await load()).map(keyOf))
    isUnreadable = false
    for (const { channel, lane } of served) {
      const isPaused = paused.has(keyOf({ channel, lane }))
      const learned = pauseOf.get(keyOf({ channel, lane }))?.learn(isPaused)
      if (learned === undefined || learned === 'known') continue
      observe({ kind: isPaused ? 'paused' : 'open', channel, lane, isFirst: learned === 'first' })
    }
  }

  function keepWhatIsKnown(error: unknown): void {
    if (!isUnreadable) observe({ kind: 'unreadable', error })
    isUnreadable = true
  }

  async function askAgainAndAgain(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(pausePollMs, stopping.signal)
      if (!stopping.signal.aborted) await ask().catch(keepWhatIsKnown)
    }
  }

  await ask().catch((error: unknown) => {
    if (!(error instanceof DependencyUnavailable)) throw error
    keepWhatIsKnown(error)
  })
  const asking = askAgainAndAgain()

  return {
    of: (one) => {
      const pause = pauseOf.get(keyOf(one))
      if (pause === undefined) throw new Error('a pause of a channel that this process does not serve')
      return pause
    },
    stop: () => {
      stopping.abort()
      return asking
    },
  }
}

interface LearningPause extends ChannelPause {
  /** Takes an answer in. */
  learn(isPaused: boolean): 'first' | 'changed' | 'known'
}

function createPause(): LearningPause {
  let state: 'unknown' | 'paused' | 'open' = 'unknown'
  let lifted = Promise.withResolvers<void>()

  function learn(isPaused: boolean): 'first' | 'changed' | 'known' {
    const before = state
    state = isPaused ? 'paused' : 'open'
    if (before === state) return 'known'
    if (state === 'open') lifted.resolve()
    else if (before === 'open') lifted = Promise.withResolvers()
    return before === 'unknown' ? 'first' : 'changed'
  }

  return { learn, paused: () => state !== 'open', lifted: () => lifted.promise }
}

function keyOf({ channel, lane }: ServedChannel): string {
  return `${channel}.${lane}`
}
