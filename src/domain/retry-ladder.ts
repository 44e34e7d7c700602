/**
 * The retry ladder: when a delivery is tried again, and on which rung its record waits.
 *
 * All records of a rung wait equally long, but for a jitter of at most a tenth, so the order in which they lie is the
 * order in which they are due and one look at the head tells how long to wait. A record is never early: its due time
 * travels with it (`x-due-at`). It is late by at most the jitter of those before it.
 */
import { requestChannelOf, type Channel } from './channel.ts'
import type { Digest } from './identity.ts'
import { retryRungs, type RetryRung } from './topic-names.ts'

/** Of the rung's delay. */
export const jitterShare = 0.1

/** From the moment at which a record comes to a rung: above every time to live, so nothing that is ours is due later. */
export const longestRetryMs = 7 * 86_400_000

export interface NextTry {
  rung: RetryRung
  /** Unix ms. */
  dueAtMs: number
}

export interface TryAgain {
  deliveryId: string
  /** The hop that failed. */
  hop: number
  /** Attempts spent, this one included. */
  attempt: number
  /** What the provider asked for, Unix ms; it replaces the ladder's own delay. */
  notBeforeMs: number | undefined
  nowMs: number
}

/**
 * The next try after a failed one. The n-th attempt waits on the n-th rung, or on the last; a provider's Retry-After on
 * the first rung that is long enough, and what is longer than every rung goes round the last one.
 */
export function nextTry({ deliveryId, hop, attempt, notBeforeMs, nowMs }: TryAgain, sha256: Digest): NextTry {
  const jitter = jitterOf(deliveryId, hop, sha256)
  if (notBeforeMs !== undefined) {
    const waitMs = Math.max(0, notBeforeMs - nowMs)
    const rung = retryRungs.find(({ delayMs }) => delayMs >= waitMs) ?? lastRung
    return { rung: rung.name, dueAtMs: nowMs + Math.ceil(Math.max(rung.delayMs, waitMs) * (1 + jitter)) }
  }
  const rung = retryRungs[Math.min(Math.max(attempt, 1), retryRungs.length) - 1] ?? lastRung
  return { rung: rung.name, dueAtMs: nowMs + Math.ceil(rung.delayMs * (1 + jitter)) }
}

/** The rung for what is due at a time that is known already: the shortest that does not let it wait beyond its jitter. */
export function rungFor(dueAtMs: number, nowMs: number): RetryRung {
  const waitMs = dueAtMs - nowMs
  const rung = retryRungs.find(({ delayMs }) => waitMs <= delayMs * (1 + jitterShare)) ?? lastRung
  return rung.name
}

export function delayMsOf(rung: RetryRung): number {
  return retryRungs.find(({ name }) => name === rung)?.delayMs ?? lastRung.delayMs
}

const lastRung = retryRungs[3]

/** Deterministic, so that a record that is published twice is due at one time: from 0 up to `jitterShare`. */
function jitterOf(deliveryId: string, hop: number, sha256: Digest): number {
  const [first = 0, second = 0] = sha256(textEncoder.encode(`${deliveryId}/${hop}`))
  return (jitterShare * ((first << 8) | second)) / 65_536
}

const textEncoder = new TextEncoder()

/**
 * Attempts that a delivery has where its category says nothing else. An SMS costs money each time and is stale soon; a
 * mailbox that defers for hours is common.
 */
const attemptsByDefault = { push: 5, sms: 4, email: 6 } as const

/** @param ofCategory what the category says for the request channel, if anything. */
export function attemptsMax(channel: Channel, ofCategory: number | null): number {
  return ofCategory ?? attemptsByDefault[requestChannelOf(channel)]
}
