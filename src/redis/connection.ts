/**
 * One Redis connection of a process, bounded in every wait: a cache that hangs must cost less than what it saves.
 */
import { Redis } from 'ioredis'

export interface RedisConnectionOptions {
  url: string
  /** Told once for every loss of the connection, with a code fit for a log line. */
  lost(code: string): void
}

const connectTimeoutMs = 2_000
/** Of one command; Redis answers within a millisecond or is in trouble. */
const commandTimeoutMs = 500
const longestReconnectMs = 2_000

/** Connects in the background and again for ever; while it is away every command fails at once. */
export function connectRedis({ url, lost }: RedisConnectionOptions): Redis {
  const redis = new BoundedRedis(url, {
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: (times) => Math.min(longestReconnectMs, 50 * times),
  })
  redis.on('error', (error: Error) => lost('code' in error && typeof error.code === 'string' ? error.code : error.name))
  return redis
}

/**
 * Gives a command up when its time is over, but reads first what has come by then. ioredis's own time-out does not: where
 * the process stood still itself, for a busy machine, it throws answers away that are there, and caps would go uncounted.
 */
class BoundedRedis extends Redis {
  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    const sent = super.sendCommand(command, stream)
    // Timers come before what was received, immediates after it.
    const timer = setTimeout(() => setImmediate(() => command.reject(new CommandTimedOut())), commandTimeoutMs)
    const forget = () => clearTimeout(timer)
    command.promise.then(forget, forget)
    return sent
  }
}

class CommandTimedOut extends Error {
  override readonly name = 'CommandTimedOut'
}

/** Waits for the first connection, so that a role that starts beside its Redis does not count misses. Never throws. */
export async function untilRedisReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true
  return new Promise((resolve) => {
    const finish = (ready: boolean) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      resolve(ready)
    }
    const onReady = () => finish(true)
    const timer = setTimeout(() => finish(false), timeoutMs)
    redis.once('ready', onReady)
  })
}
