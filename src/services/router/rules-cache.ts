/**
 * Categories and templates kept in the process for a moment: a handful of rows that every chunk needs.
 *
 * A change is told, and seen after the time to live at the latest, should nobody have heard of it. Nothing depends on
 * seeing it sooner: the claim reads settings, suppressions and the category from the database again.
 */
import { LRUCache } from 'lru-cache'

export interface RulesCacheOptions<Value extends object> {
  load(names: readonly string[]): Promise<ReadonlyMap<string, Value>>
  /** Monotonic ms. */
  clock(): number
}

const entriesMax = 10_000
const timeToLiveMs = 5_000

export interface RulesCache<Value> {
  load(names: readonly string[]): Promise<ReadonlyMap<string, Value>>
  /** Forgets all of it, and what is being loaded at this moment too. */
  forget(): void
}

/** Absent names are asked for each time: they are rare, and may have just been added. */
export function createRulesCache<Value extends object>({ load, clock }: RulesCacheOptions<Value>): RulesCache<Value> {
  const cache = new LRUCache<string, Value>({ max: entriesMax, ttl: timeToLiveMs, perf: { now: clock } })
  let generation = 0

  async function loadThrough(names: readonly string[]): Promise<ReadonlyMap<string, Value>> {
    const found = new Map<string, Value>()
    const missing: string[] = []
    for (const name of names) {
      const value = cache.get(name)
      if (value === undefined) missing.push(name)
      else found.set(name, value)
    }
    if (missing.length === 0) return found
    const askedIn = generation
    for (const [name, value] of await load(missing)) {
      // What was read before a change must not outlive it.
      if (generation === askedIn) cache.set(name, value)
      found.set(name, value)
    }
    return found
  }

  return {
    load: loadThrough,
    forget: () => {
      generation += 1
      cache.clear()
    },
  }
}
