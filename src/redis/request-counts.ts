/**
 * Requests counted in Redis, so that all replicas of a door share one limit.
 */
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

export interface RequestCounts {
  /** Counts one more. Never throws: undefined while Redis is away. */
  count(key: string, windowMs: number): Promise<{ requests: number; windowEndsInMs: number } | undefined>
}

export interface RequestCountsOptions {
  redis: Redis
  /** Keeps several Fanfares on one Redis apart; empty in production. */
  keyPrefix: string
}

const countScript = readFileSync(new URL('lua/count-request.lua', import.meta.url), 'utf8')

/** Adds the script's command to the client; ioredis sends its hash, and the text where Redis does not know it. */
interface CountCommands {
  countRequest(keyCount: number, key: string, windowMs: number): Promise<[number, number]>
}

export function createRequestCounts({ redis, keyPrefix }: RequestCountsOptions): RequestCounts {
  redis.defineCommand('countRequest', { lua: countScript })
  const commands = redis as Redis & CountCommands
  return {
    count: async (key, windowMs) => {
      try {
        const [requests, windowEndsInMs] = await commands.countRequest(1, `${keyPrefix}requests:${key}`, windowMs)
        return { requests, windowEndsInMs }
      } catch {
        return undefined
      }
    },
  }
}
