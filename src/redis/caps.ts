/**
 * Caps in Redis: exactly "at most N in any window", by the atomicity of one script for a whole chunk.
 *
 * A notification over a cap is not turned away but gets the earliest place that keeps every cap, past and reserved
 * places counted. It finds its own place when it comes back, so nothing is charged twice and nobody starves.
 */
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import type { CapAnswer, CapRequest } from '../domain/throttle.ts'

export interface Caps {
  /** One answer for each request, in order, in one round trip. Never throws: Redis away is `unavailable`. */
  reserve(requests: readonly CapRequest[]): Promise<CapAnswer[]>
  /** Gives a place back: its notification was cancelled. Never throws; a place that stays is only a place too many. */
  release(request: Pick<CapRequest, 'member' | 'userId' | 'category'>): Promise<void>
}

export interface CapsOptions {
  redis: Redis
  /** Keeps several Fanfares on one Redis apart; empty in production. */
  keyPrefix: string
  failed(operation: 'reserve' | 'release', code: string): void
  /** Of tests: Unix ms in place of Redis's clock. */
  now?: () => number
}

/**
 * How late a return may be and still keep its place; places lie a window and this apart. Without it returns that are a
 * second late push each other on for ever (measured: 4 of 20 sent after 3,020 asks; with it 20 in 39).
 */
export const graceMs = 5_000

const reserveScript = readFileSync(new URL('lua/reserve-caps.lua', import.meta.url), 'utf8')

/** Adds the script's command to the client; ioredis sends its hash, and the text where Redis does not know it. */
interface CapCommands {
  reserveCaps(keyCount: number, ...keysAndArguments: (string | number)[]): Promise<number[]>
}

export function createCaps({ redis, keyPrefix, failed, now = () => 0 }: CapsOptions): Caps {
  redis.defineCommand('reserveCaps', { lua: reserveScript })
  const commands = redis as Redis & CapCommands
  const ofCategory = (userId: number, category: string) => `${keyPrefix}caps:${userId}:category:${category}`
  const ofUser = (userId: number) => `${keyPrefix}caps:${userId}:all`

  async function reserve(requests: readonly CapRequest[]): Promise<CapAnswer[]> {
    if (requests.length === 0) return []
    const keys = new Map<string, number>()
    const indexOf = (key: string) => {
      const index = keys.get(key) ?? keys.size + 1
      keys.set(key, index)
      return index
    }
    const asks = requests.map((request) => {
      const { member, userId, category, categoryCaps, userCaps, expiresAtMs, overCap, quietWindows } = request
      return [
        member,
        expiresAtMs,
        overCap === 'drop' ? 1 : 0,
        [
          ...categoryCaps.map((cap) => [indexOf(ofCategory(userId, category)), cap.limit, cap.windowSeconds * 1_000]),
          ...userCaps.map((cap) => [indexOf(ofUser(userId)), cap.limit, cap.windowSeconds * 1_000]),
        ],
        quietWindows.map(({ from, until }) => [from, until]),
      ]
    })
    try {
      const answers = await commands.reserveCaps(
        keys.size,
        ...keys.keys(),
        JSON.stringify({ now: now(), grace: graceMs, asks }),
      )
      return answers.map(answerOf)
    } catch (error) {
      failed('reserve', codeOf(error))
      return requests.map(() => ({ kind: 'unavailable' }))
    }
  }

  async function release({ member, userId, category }: Parameters<Caps['release']>[0]): Promise<void> {
    try {
      await redis.pipeline().zrem(ofCategory(userId, category), member).zrem(ofUser(userId), member).exec()
    } catch (error) {
      failed('release', codeOf(error))
    }
  }

  return { reserve, release }
}

function answerOf(place: number): CapAnswer {
  if (place === 0) return { kind: 'free' }
  if (place === -1) return { kind: 'expires' }
  return place === -2 ? { kind: 'full' } : { kind: 'reserved', atMs: place }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
