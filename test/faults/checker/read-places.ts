/**
 * The places under caps as Redis has them: a sorted set for each person and category, and one for each person over all,
 * with the names as src/redis/caps.ts writes them; members are notifications, scores are moments.
 */
import { Redis } from 'ioredis'
import type { Place } from './observations.ts'

const keysPerScan = 1_000

/** @param prefix of the run's keys. */
export async function readPlaces(url: string, prefix: string): Promise<Place[]> {
  const redis = new Redis(url)
  try {
    const places: Place[] = []
    for await (const keys of redis.scanStream({ match: `${prefix}caps:*`, count: keysPerScan })) {
      for (const key of new Set(keys as string[])) {
        const held = await redis.zrange(key, 0, '-1', 'WITHSCORES')
        for (let at = 0; at < held.length; at += 2) {
          places.push(placeOf(key.slice(prefix.length), held[at] ?? '', Number(held[at + 1])))
        }
      }
    }
    return distinct(places)
  } finally {
    redis.disconnect()
  }
}

/** `caps:<user>:all` or `caps:<user>:category:<name>`; a member is `<notification id> <source>`. */
function placeOf(key: string, member: string, at: number): Place {
  const [, userId = '', kind, ...rest] = key.split(':')
  const blank = member.indexOf(' ')
  return {
    userId: Number(userId),
    category: kind === 'all' ? null : rest.join(':'),
    notificationId: member.slice(0, blank),
    source: member.slice(blank + 1),
    at,
  }
}

/** A scan may name a key twice. */
function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [JSON.stringify(place), place])).values()]
}
