/**
 * A look at a Redis from outside: whether it keeps what it is given. Changes nothing.
 */
import type { Redis } from 'ioredis'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import { connectRedis, untilRedisReady } from './connection.ts'

export interface RedisInspection {
  version: string
  /** A replica takes no writes. */
  isPrimary: boolean
  /** `noeviction` keeps every key; undefined where the server does not tell. */
  evictionPolicy: string | undefined
}

const connectPatienceMs = 3_000

/** @throws DependencyUnavailable when it cannot be asked. */
export async function inspectRedis<Result>(
  url: string,
  work: (connection: { inspect(): Promise<RedisInspection>; clock(): Promise<number> }) => Promise<Result>,
): Promise<Result> {
  let lostBy = 'connect_timeout'
  const redis = connectRedis({ url, lost: (code) => (lostBy = code) })
  try {
    if (!(await untilRedisReady(redis, connectPatienceMs))) throw new DependencyUnavailable('redis', lostBy)
    return await work({ inspect: () => inspect(redis), clock: () => readClock(redis) })
  } catch (error) {
    // Whatever a Redis answers to INFO and TIME but an answer: it cannot be worked with.
    throw error instanceof DependencyUnavailable ? error : new DependencyUnavailable('redis', lostBy, error)
  } finally {
    redis.disconnect()
  }
}

async function inspect(redis: Redis): Promise<RedisInspection> {
  const lines = (await redis.info()).split(/\r?\n/)
  const said = (name: string) => lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1)
  return {
    version: said('redis_version') ?? 'unknown',
    isPrimary: said('role') !== 'slave',
    evictionPolicy: said('maxmemory_policy'),
  }
}

/** Unix ms. */
async function readClock(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000
}
