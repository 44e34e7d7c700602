/**
 * Keeps the cache of profiles level with the database: after every change the profile is read whole, in one snapshot with
 * its version, and stored. The cache keeps the newest version, so writers and slow readers may come in any order.
 *
 * A crash or a lost Redis between the change and here leaves an older profile in the cache, until it is an hour old. The
 * change stands: claims read settings from the tables.
 */
import type { Profile } from '../../domain/profile.ts'

export interface WriteThroughPorts {
  /** Users that do not exist are absent. */
  loadProfiles(userIds: readonly number[]): Promise<ReadonlyMap<number, Profile>>
  /** Never throws, and never replaces a newer profile. */
  storeProfiles(profiles: Iterable<Profile>): Promise<void>
}

/**
 * Whoever is gone meanwhile is not stored: whoever erased them says so to the cache.
 * @returns the profiles as they are now.
 */
export async function writeThrough(
  userIds: readonly number[],
  { loadProfiles, storeProfiles }: WriteThroughPorts,
): Promise<ReadonlyMap<number, Profile>> {
  const profiles = await loadProfiles(userIds)
  await storeProfiles(profiles.values())
  return profiles
}
