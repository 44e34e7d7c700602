/**
 * The gateway as a server: who may call and how often, in front of every route; the document that describes them, which
 * everybody may read.
 */
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { describeRoutes } from '../../http/openapi.ts'
import { limitRates, type RequestCounter } from '../../http/rate-limit.ts'
import { secureHeaders } from '../../http/security-headers.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../http/server.ts'
import { apiDescription } from './api-description.ts'
import { authenticateCallers, type AuthenticationPorts } from './authentication.ts'
import { registerRoutes, type GatewayPorts } from './gateway.ts'

export interface GatewayServerOptions {
  http: Omit<HttpServerOptions, 'bodyLimitBytes'>
  /** Fanfare's version, which is the document's. */
  version: string
  authentication: Omit<AuthenticationPorts, 'counter'>
  counter: RequestCounter
  routes: GatewayPorts
}

/** Of a body, where its route does not say otherwise. */
const bodyLimitBytes = 64 * 1024
/** `rate_limit_per_second` counts in windows of this. */
const rateWindowMs = 1_000

/** Ready to listen: every route is there. */
export async function createGatewayServer(options: GatewayServerOptions): Promise<HttpServer> {
  const { http, version, authentication, counter, routes } = options
  const server = await createHttpServer({ ...http, bodyLimitBytes })
  await secureHeaders(server)
  await describeRoutes(server, { ...apiDescription, version })
  await server.register(async (scoped) => {
    const callers = scoped.withTypeProvider<ZodTypeProvider>()
    authenticateCallers(callers, { ...authentication, counter })
    await limitRates(callers, {
      counter,
      windowMs: rateWindowMs,
      limitOf: ({ routeOptions, caller }) =>
        routeOptions.config.scope === 'public'
          ? null
          : { key: `app:${caller.appKey}`, requestsMax: caller.rateLimitPerSecond },
    })
    registerRoutes(callers, routes)
  })
  await server.ready()
  return server
}
