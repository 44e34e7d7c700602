/**
 * Who calls, and whether they may: appKey and appSecret as `Authorization: Basic`, then the scope of the route.
 *
 * A secret is 256 random bits, so its SHA-256 suffices: there is nothing to guess that a slow hash would protect. It is
 * compared in constant time, and an unknown key is compared with a hash that nothing has, so that neither the time nor
 * the answer tells which of key and secret was wrong.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasScope } from '../../domain/app.ts'
import { readBasicCredentials } from '../../http/basic-credentials.ts'
import { refuse } from '../../http/problem.ts'
import { addressOf, type RequestCounter } from '../../http/rate-limit.ts'
import type { HttpServer } from '../../http/server.ts'
import type { AppDirectory, KnownApp } from './app-directory.ts'
import type { AuthenticatedApp } from './caller.ts'

export interface AuthenticationPorts {
  apps: AppDirectory
  /** Counts failures by address. */
  counter: RequestCounter
  /** Unix ms: a secret's end is a moment of the database's clock. */
  now(): number
  observe(outcome: AuthenticationOutcome): void
}

/** `locked`: refused as failed, after so many failures from its address that nobody tells it why any more. */
export type AuthenticationOutcome = 'accepted' | 'missing' | 'wrong' | 'locked' | 'out_of_scope'

/** What one address may get wrong in a window. Right credentials pass all the same: others may share the address. */
export const failures = { max: 30, windowMs: 60_000 } as const

/** Two live secrets, as the database allows. */
const secretsMax = 2
const hashOfNothing = new Uint8Array(32)

/**
 * Asks every request on the server for credentials, but for routes that say `public`.
 * @throws at once for a route that does not say its scope.
 */
export function authenticateCallers(server: HttpServer, ports: AuthenticationPorts): void {
  const callers = new WeakMap<FastifyRequest, AuthenticatedApp>()
  server.addHook('onRoute', ({ url, config }) => {
    if (config?.scope === undefined) throw new Error(`route ${url} does not say its scope`)
  })
  server.decorateRequest('caller', {
    getter(this: FastifyRequest) {
      const caller = callers.get(this)
      if (caller === undefined) throw new Error('a public route has no caller')
      return caller
    },
  })
  server.addHook('onRequest', async (request, reply) => {
    const { scope } = request.routeOptions.config
    if (scope === 'public') return undefined
    const verdict = await authenticate(request.headers.authorization, ports)
    if (verdict.kind !== 'accepted') return refuseUnknown(request, reply, verdict.kind, ports)
    const { app } = verdict
    if (scope === undefined || (scope !== 'any' && !hasScope(app, scope))) {
      ports.observe('out_of_scope')
      return refuse(reply, { kind: 'forbidden', detail: `this needs the scope ${scope}` })
    }
    ports.observe('accepted')
    callers.set(request, app)
    return undefined
  })
}

export type Authentication = { kind: 'accepted'; app: AuthenticatedApp } | { kind: 'missing' } | { kind: 'wrong' }

/** @throws DependencyUnavailable where nobody can tell which apps there are. */
export async function authenticate(
  header: string | undefined,
  { apps, now }: Pick<AuthenticationPorts, 'apps' | 'now'>,
): Promise<Authentication> {
  const credentials = readBasicCredentials(header)
  if (credentials === undefined) return { kind: 'missing' }
  const { user, password } = credentials
  const known = await apps.find(user)
  if (isSecretOf(known, password, now()) && known !== undefined) return { kind: 'accepted', app: known }
  // The app or its secret may be a moment old. Whichever of the two is wrong, the same is done.
  const anew = await apps.findAnew(user)
  return isSecretOf(anew, password, now()) && anew !== undefined ? { kind: 'accepted', app: anew } : { kind: 'wrong' }
}

/** Always the same work: one hash and `secretsMax` comparisons, whatever there is to compare with. */
function isSecretOf(app: KnownApp | undefined, secret: string, nowMs: number): boolean {
  const given = createHash('sha256').update(secret).digest()
  let isFound = false
  for (let index = 0; index < secretsMax; index += 1) {
    const { hash, expiresAtMs } = app?.secrets[index] ?? { hash: hashOfNothing, expiresAtMs: 0 }
    const isEqual = timingSafeEqual(given, hash)
    const isLive = expiresAtMs === null || expiresAtMs > nowMs
    isFound = (isEqual && isLive) || isFound
  }
  return isFound
}

async function refuseUnknown(
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: 'missing' | 'wrong',
  { counter, observe }: AuthenticationPorts,
): Promise<FastifyReply> {
  const { requests, windowEndsInMs } = await counter.count(`failed:${addressOf(request)}`, failures.windowMs)
  if (requests > failures.max) {
    observe('locked')
    return refuse(reply, { kind: 'rate_limited', retryAfterSeconds: Math.max(1, Math.ceil(windowEndsInMs / 1_000)) })
  }
  observe(outcome)
  return refuse(reply, { kind: 'unauthenticated' })
}
