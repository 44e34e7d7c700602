/**
 * Rate limits in front of the routes of a server, with `RateLimit-*` headers and a 429 as every other refusal.
 *
 * Who counts is the caller's: a counter over all replicas, or one of this process.
 */
import rateLimit, { normalizeIP, type FastifyRateLimitStore, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { Refused } from './refused.ts'
import type { HttpServer } from './server.ts'

export interface RequestCounter {
  /** Counts one more request under the key. Never throws. @returns how many there were in its window, and its rest. */
  count(key: string, windowMs: number): Promise<{ requests: number; windowEndsInMs: number }>
}

export interface RateLimitOptions {
  counter: RequestCounter
  windowMs: number
  /** Null: this one is not limited. */
  limitOf(request: FastifyRequest): { key: string; requestsMax: number } | null
}

/** Every route that is registered on the server after it is limited. */
export async function limitRates(server: HttpServer, { counter, windowMs, limitOf }: RateLimitOptions): Promise<void> {
  await server.register(rateLimit, {
    global: true,
    enableDraftSpec: true,
    // After the hooks of the server itself, so that the caller is known.
    hook: 'onRequest',
    timeWindow: windowMs,
    allowList: (request) => limitOf(request) === null,
    keyGenerator: (request) => limitOf(request)?.key ?? '',
    max: (request) => limitOf(request)?.requestsMax ?? 0,
    store: storeOf(counter),
    errorResponseBuilder: (_request, { ttl }) =>
      new Refused({ kind: 'rate_limited', retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1_000)) }),
  })
}

/** The address of a request as limits know it: of IPv6 its /64, since whoever has one address has them all. */
export function addressOf(request: FastifyRequest): string {
  return normalizeIP(request.ip)
}

function storeOf(counter: RequestCounter): FastifyRateLimitStoreCtor {
  return class implements FastifyRateLimitStore {
    incr(key: string, done: Parameters<FastifyRateLimitStore['incr']>[1], windowMs: number): void {
      void this.#count(key, done, windowMs)
    }

    async #count(key: string, done: Parameters<FastifyRateLimitStore['incr']>[1], windowMs: number): Promise<void> {
      const { requests, windowEndsInMs } = await counter.count(key, windowMs)
      done(null, { current: requests, ttl: windowEndsInMs })
    }

    child(): FastifyRateLimitStore {
      return this
    }
  }
}
