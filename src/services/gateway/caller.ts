/**
 * Who calls the gateway, and what each route asks of them. A route without a scope is a mistake that keeps the gateway
 * from starting: nothing is public because somebody forgot to say.
 */
import type { AppScope } from '../../domain/app.ts'
import type { RequestChannel } from '../../domain/channel.ts'

/** An app whose credentials were valid. */
export interface AuthenticatedApp {
  /** The source of its notifications. */
  appKey: string
  scopes: readonly AppScope[]
  /** The categories that it may send; null means all. */
  categories: readonly string[] | null
  /** The channels that it may send on; null means all. */
  channels: readonly RequestChannel[] | null
  /** Requests that it may make in a second. */
  rateLimitPerSecond: number
}

/** A scope; `any` is for every app, whatever it may do; `public` asks for no credentials. */
export type RouteScope = AppScope | 'any' | 'public'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must be allowed; said by every route. */
    scope?: RouteScope
  }
  interface FastifyRequest {
    /** The app that calls. Reading it on a public route throws. */
    readonly caller: AuthenticatedApp
  }
}
