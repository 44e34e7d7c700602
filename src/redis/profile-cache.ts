/**
 * The cache of profiles: one key per user, read by one MGET, written with a version compare.
 *
 * Postgres is the truth. What is not here is read there and written back; absence is never cached, since the sign-up may
 * be on its way. Redis away: every read is a miss, counted, and routing goes on.
 */
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { Profile } from '../domain/profile.ts'

export interface ProfileCache {
  /** The cached profiles of these users. Never throws: what cannot be read is a miss. */
  read(userIds: readonly number[]): Promise<Map<number, Profile>>
  /** Stores them unless newer ones are there. Never throws: a cache that was not written is only slower. */
  store(profiles: Iterable<Profile>): Promise<void>
  /**
   * Forgets people unless newer profiles are there, and keeps the versions in their place, so that a reader who was slow
   * brings no older profile back. Never throws.
   */
  forget(people: Iterable<Pick<Profile, 'userId' | 'version'>>): Promise<void>
}

export interface ProfileCacheOptions {
  redis: Redis
  /** Keeps several Fanfares on one Redis apart; empty in production. */
  keyPrefix: string
  failed(operation: 'read' | 'store' | 'forget', code: string): void
}

/** A profile that changed behind the cache's back, by hand in the database, is seen after this. */
const timeToLiveMs = 3_600_000

const storeScript = readFileSync(new URL('lua/store-profiles.lua', import.meta.url), 'utf8')

/** Adds the script's command to the client; ioredis sends its hash, and the text where Redis does not know it. */
interface ProfileCommands {
  storeProfiles(keyCount: number, ...keysAndArguments: (string | number)[]): Promise<number>
}

export function createProfileCache({ redis, keyPrefix, failed }: ProfileCacheOptions): ProfileCache {
  redis.defineCommand('storeProfiles', { lua: storeScript })
  const commands = redis as Redis & ProfileCommands
  const keyOf = (userId: number) => `${keyPrefix}profile:${userId}`

  async function read(userIds: readonly number[]): Promise<Map<number, Profile>> {
    const profiles = new Map<number, Profile>()
    if (userIds.length === 0) return profiles
    try {
      const values = await redis.mget(userIds.map(keyOf))
      for (const [index, userId] of userIds.entries()) {
        const profile = parse(values[index])
        if (profile?.userId === userId) profiles.set(userId, profile)
      }
    } catch (error) {
      failed('read', codeOf(error))
    }
    return profiles
  }

  async function write(operation: 'store' | 'forget', entries: readonly CacheEntry[]): Promise<void> {
    if (entries.length === 0) return
    try {
      await commands.storeProfiles(
        entries.length,
        ...entries.map(({ userId }) => keyOf(userId)),
        timeToLiveMs,
        ...entries.flatMap(({ version, json }) => [version, json]),
      )
    } catch (error) {
      failed(operation, codeOf(error))
    }
  }

  return {
    read,
    store: (profiles) =>
      write(
        'store',
        Array.from(profiles, (profile) => ({ ...profile, json: JSON.stringify(profile) })),
      ),
    forget: (people) =>
      write(
        'forget',
        Array.from(people, ({ userId, version }) => ({ userId, version, json: nobody })),
      ),
  }
}

interface CacheEntry {
  userId: number
  version: number
  json: string
}

/** In place of a profile: a miss to every reader. */
const nobody = 'null'

/** What does not parse is a miss: a version of Fanfare with another form may have written it. */
function parse(value: string | null | undefined): Profile | null | undefined {
  if (value === null || value === undefined) return undefined
  try {
    return JSON.parse(value.slice(value.indexOf(' ') + 1)) as Profile | null
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
