/**
 * The apps and the hashes of their secrets, kept in the process for a moment: a disabled app, or a secret that has
 * ended, is refused within `agesMax.stale`.
 *
 * All of them are loaded together. So a key that nobody has costs no more than one that exists, and guessing keys costs
 * the database nothing.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { AuthenticatedApp } from './caller.ts'

/** An app that is not disabled. */
export interface KnownApp extends AuthenticatedApp {
  /** SHA-256 of each secret. */
  secrets: readonly { hash: Uint8Array; expiresAtMs: number | null }[]
}

export interface AppDirectory {
  /** @throws DependencyUnavailable where nobody can tell any more which apps there are. */
  find(appKey: string): Promise<KnownApp | undefined>
  /**
   * As the database has it after this call: for credentials that are not known, since an app or a secret may be new.
   * Takes up to `agesMax.guessed`. Throws as `find` does.
   */
  findAnew(appKey: string): Promise<KnownApp | undefined>
}

export interface AppDirectoryPorts {
  /** Every app that is not disabled. */
  loadApps(): Promise<readonly KnownApp[]>
  /** Monotonic ms. */
  clock(): number
  sleep(ms: number): Promise<void>
}

/** How old, in ms, what is known may be. */
export const agesMax = {
  /** Wrong credentials cause no more than one load in this time, however many come: they wait for it together. */
  guessed: 100,
  /** Older than this it is loaded again, and whoever asks meanwhile is answered from what is known. */
  fresh: 1_000,
  /** Older than this whoever asks waits for the new. */
  known: 2_000,
  /** Until then what is known stands in while the database is away; afterwards nobody is let in. */
  stale: 4_000,
} as const

export function createAppDirectory({ loadApps, clock, sleep }: AppDirectoryPorts): AppDirectory {
  let apps: ReadonlyMap<string, KnownApp> = new Map()
  /** The answer may be as old as the question. */
  let asOfMs = -Infinity
  let loading: Promise<void> | undefined

  async function load(): Promise<void> {
    const askedAtMs = clock()
    const loaded = await loadApps()
    apps = new Map(loaded.map((app) => [app.appKey, app]))
    asOfMs = askedAtMs
  }

  function loadOnce(): Promise<void> {
    loading ??= load().finally(() => {
      loading = undefined
    })
    return loading
  }

  const ageMs = () => clock() - asOfMs

  /** Goes on with what is known where that is bearable. */
  async function loadOrBear(): Promise<void> {
    try {
      await loadOnce()
    } catch (error) {
      if (!(error instanceof DependencyUnavailable) || ageMs() > agesMax.stale) throw error
    }
  }

  return {
    find: async (appKey) => {
      if (ageMs() > agesMax.known) await loadOrBear()
      else if (ageMs() > agesMax.fresh) loadOnce().catch(() => {})
      return apps.get(appKey)
    },
    findAnew: async (appKey) => {
      const askedAtMs = clock()
      await sleep(Math.max(0, agesMax.guessed - ageMs()))
      // A load that was under way when this one asked may not have seen what is new.
      if (asOfMs < askedAtMs) await loadOrBear()
      if (asOfMs < askedAtMs) await loadOrBear()
      return apps.get(appKey)
    },
  }
}
