/**
 * Profiles for a chunk: the cache first, what it lacks from the database in one statement, and written back.
 */
import type { Profile } from '../../domain/profile.ts'
import type { LoadProfiles } from './ports.ts'

export interface ProfileCache {
  /** Never throws: what cannot be read is a miss. */
  read(userIds: readonly number[]): Promise<Map<number, Profile>>
  /** Never throws, and never replaces a newer profile. */
  store(profiles: Iterable<Profile>): Promise<void>
}

export interface ProfileSourceOptions {
  cache: ProfileCache
  loadFromDatabase: LoadProfiles
  observe(reads: { hits: number; misses: number }): void
}

export function createProfileSource({ cache, loadFromDatabase, observe }: ProfileSourceOptions): LoadProfiles {
  return async (userIds) => {
    const profiles = await cache.read(userIds)
    const missing = userIds.filter((userId) => !profiles.has(userId))
    observe({ hits: profiles.size, misses: missing.length })
    if (missing.length === 0) return profiles
    const loaded = await loadFromDatabase(missing)
    // Users that do not exist are not cached: the sign-up may be on its way.
    await cache.store(loaded.values())
    for (const [userId, profile] of loaded) profiles.set(userId, profile)
    return profiles
  }
}
