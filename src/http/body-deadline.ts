/**
 * How long a body may take to arrive, by route: slow ones would hold sockets for ever. Node knows one limit for all of a
 * server, which would cut an import off in its middle; so that one is the longest there is, and each route has its own.
 */
import type { Socket } from 'node:net'
import type { onRequestHookHandler } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How long a body of this route may take to arrive, where it may take longer than others. */
    requestLimitMs?: number
  }
}

/** No route may say more. */
export const longestRequestMs = 600_000

export interface BodyDeadlineOptions {
  /** Where a route does not say otherwise. */
  limitMs: number
  /** Answers on the socket and ends it; nothing of an answer has been sent. */
  refuse(error: Error, socket: Socket): void
}

export function limitBodies(
  server: { addHook(name: 'onRequest', hook: onRequestHookHandler): unknown },
  { limitMs, refuse }: BodyDeadlineOptions,
): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { raw } = request
    const { requestLimitMs = limitMs } = request.routeOptions.config
    const timer = setTimeout(() => {
      if (raw.complete || reply.raw.writableEnded) return
      // In the middle of an answer nothing can be said any more.
      if (reply.raw.headersSent) raw.socket.destroy()
      else refuse(new OverdueBody('a body took too long'), raw.socket)
    }, requestLimitMs)
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
}

class OverdueBody extends Error {
  override readonly name = 'OverdueBody'
  /** As Node calls it. */
  readonly code = 'ERR_HTTP_REQUEST_TIMEOUT'
}
