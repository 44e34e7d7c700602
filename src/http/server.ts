/**
 * The frame of both doors, gateway and edge: limits on everything that comes in, one form for every refusal, and a stop
 * that lets requests finish.
 *
 * Whatever a handler throws becomes 503 where a dependency is away and 500 otherwise, without a word of the error: its
 * message may quote what it met. What was thrown is logged by its name and code.
 */
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { AddressInfo, Socket } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Logger } from '../telemetry/log.ts'
import { limitBodies, longestRequestMs } from './body-deadline.ts'
import { problemContentType, problemOf, refuse } from './problem.ts'
import { Refused } from './refused.ts'
import { validatorCompiler } from './validation.ts'

/** A server whose routes have zod schemas, so that a handler's parameters are typed by what was validated. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyInstance['log'],
  ZodTypeProvider
>

export interface HttpServerOptions {
  log: Logger
  /** What a body may have, unless its route says otherwise. */
  bodyLimitBytes: number
  /** How many proxies in front of it are ours: so many of X-Forwarded-For are believed. */
  trustedProxies: number
  observe(observation: RequestObservation): void
  /** Of tests: how long a request and its headers may take. */
  requestLimitMs?: number
  headersLimitMs?: number
}

export interface RequestObservation {
  /** As it was declared, `/v1/users/:userId`: never the path of a request. `unknown` where no route took it. */
  route: string
  method: string
  status: number
  durationMs: number
}

/** A body that takes longer than this is cut off, unless its route says otherwise: slow ones would hold sockets for ever. */
const defaultRequestLimitMs = 15_000
const defaultHeadersLimitMs = 10_000
/** How often Node looks for requests over their limits: a slow one lives so much longer. Its default is 30 s. */
const slownessCheckMs = 1_000
/** An idle connection is kept longer than the 60 s after which common load balancers drop theirs. */
const keepAliveMs = 65_000
const connectionsMax = 10_000
const parameterCharactersMax = 256
/** How long a client is asked to wait when a dependency is away, or this process stops. */
const retryAfterSeconds = 2

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, bodyLimitBytes, trustedProxies, observe } = options
  const { requestLimitMs = defaultRequestLimitMs, headersLimitMs = defaultHeadersLimitMs } = options
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    trustProxy: (_address, hop) => hop < trustedProxies,
    requestTimeout: Math.max(longestRequestMs, requestLimitMs),
    keepAliveTimeout: keepAliveMs,
    routerOptions: { maxParamLength: parameterCharactersMax },
    http: { headersTimeout: headersLimitMs, connectionsCheckingInterval: Math.min(slownessCheckMs, requestLimitMs) },
    // A door tells its requests by metrics, and its own log lines name what went wrong; a line each would quote paths.
    logger: false,
    forceCloseConnections: 'idle',
    // The hook below says it instead, as a problem document.
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error, request, reply) => void answerError({ error, request, reply }, log),
    // What is in a URL or a body is never shown to the next reader of it by prototype tricks.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  }).withTypeProvider<ZodTypeProvider>()
  server.server.maxConnections = connectionsMax
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler((error: FastifyError, request, reply) => answerError({ error, request, reply }, log))
  server.setNotFoundHandler((_request, reply) => refuse(reply, { kind: 'not_found', detail: 'no such path' }))
  refuseWhileClosing(server)
  limitBodies(server, { limitMs: requestLimitMs, refuse: answerUnreadable })
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown'
    observe({ route, method: request.method, status: reply.statusCode, durationMs: reply.elapsedTime })
    done()
  })
  return server
}

export interface ListeningServer {
  /** The port that is really bound. */
  readonly port: number
  /** Takes no new request, lets those under way finish within the time limit of a request. Idempotent. */
  close(): Promise<void>
}

/** @throws the bind's error (`EADDRINUSE`, `EACCES`) when the port cannot be had. */
export async function listen(
  server: HttpServer,
  { host, port }: { host: string; port: number },
): Promise<ListeningServer> {
  await server.listen({ host, port })
  // A bound TCP server's address is never a string or null.
  const bound = (server.server.address() as AddressInfo).port
  return { port: bound, close: () => server.close() }
}

/**
 * Requests that were sent ahead on a connection, or meet the stop half way, are somebody else's. Those under way are
 * answered, and their connections end with the answer: kept alive, each would hold the stop until it is idle too long.
 */
function refuseWhileClosing(server: HttpServer): void {
  let closing = false
  server.addHook('preClose', (done) => {
    closing = true
    done()
  })
  server.addHook('onRequest', async (_request, reply) => {
    if (closing) await refuse(reply, { kind: 'unavailable', retryAfterSeconds })
  })
  server.addHook('onSend', async (_request, reply) => {
    if (closing) void reply.header('connection', 'close')
  })
  // An answer that was begun before the stop could not say so any more.
  server.addHook('onResponse', async () => {
    if (closing) setImmediate(() => server.server.closeIdleConnections())
  })
}

interface Failed {
  error: FastifyError
  request: FastifyRequest
  reply: FastifyReply
}

function answerError({ error, request, reply }: Failed, log: Logger): FastifyReply {
  const refusal = refusalOf(error, request)
  if (refusal !== undefined) return refuse(reply, refusal)
  log.error({ err: error, route: request.routeOptions.url ?? 'unknown' }, 'a request failed')
  return reply
    .code(500)
    .type(problemContentType)
    .send({ type: 'about:blank', title: 'Something of ours went wrong', status: 500 })
}

/** @returns undefined where it is a mistake of ours. */
function refusalOf(error: unknown, request: FastifyRequest): Refusal | undefined {
  if (error instanceof DependencyUnavailable) return { kind: 'unavailable', retryAfterSeconds }
  if (error instanceof Refused) return error.refusal
  const statusCode = statusCodeOf(error)
  if (statusCode === 413) return { kind: 'too_large', limitBytes: request.routeOptions.bodyLimit ?? 0 }
  if (statusCode === 415) return { kind: 'unsupported_media_type', expected: 'application/json' }
  if (statusCode === 503) return { kind: 'unavailable', retryAfterSeconds }
  // What fastify itself refuses: a body that is not JSON, an empty one, a length that does not match, a path that is
  // no URL.
  const isClients = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  return isClients
    ? { kind: 'invalid', faults: [{ field: '/', expected: 'a path, and a body of the stated type and length' }] }
    : undefined
}

function statusCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** What is no HTTP, or does not come to an end in time: nothing of it reached a route. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = unreadableStatus[error.code ?? ''] ?? '400 Bad Request'
  const body = JSON.stringify(problemOf({ kind: 'invalid', faults: [{ field: '/', expected: 'an HTTP request' }] }))
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: ${problemContentType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const unreadableStatus: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}
