/**
 * Redis: reachable, the primary, and keeping what it is given.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { inspectRedis, type RedisInspection } from '../../redis/inspection.ts'
import { clockFinding, readClock } from './clock-findings.ts'
import { fault, ok, unreachable, warning, type Finding } from './finding.ts'

export async function redisFindings(url: string): Promise<Finding[]> {
  try {
    return await inspectRedis(url, async ({ inspect, clock }) => [
      judgeRedis(await inspect()),
      clockFinding('Redis', await readClock(clock, Date.now)),
    ])
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return [unreachable('redis', error, 'FANFARE_REDIS_URL')]
  }
}

export function judgeRedis({ version, isPrimary, evictionPolicy }: RedisInspection): Finding {
  if (!isPrimary) return fault('redis', `version ${version}, a replica`, 'let FANFARE_REDIS_URL lead to the primary')
  if (evictionPolicy === undefined) {
    return warning('redis', `version ${version} does not tell its eviction policy`, 'see that it is noeviction')
  }
  if (evictionPolicy !== 'noeviction') {
    const what = `version ${version} evicts (${evictionPolicy}): places under caps would be forgotten`
    return fault('redis', what, 'set maxmemory-policy to noeviction')
  }
  return ok('redis', `version ${version}, the primary, evicts nothing`)
}
