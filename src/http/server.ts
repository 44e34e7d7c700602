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
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { FieldFault, Refusal } from '../domain/refusal.ts'
import type { Logger } from '../telemetry/log.ts'
import { problemContentType, refuse } from './problem.ts'

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
}

export interface RequestObservation {
  /** As it was declared, `/v1/users/:userId`: never the path of a request. `unknown` where no route took it. */
  route: string
  method: string
  status: number
  durationMs: number
}

/** A request, headers and body, that takes longer than this is cut off: slow ones would hold sockets for ever. */
const requestLimitMs = 15_000
const headersLimitMs = 10_000
/** An idle connection is kept longer than the 60 s after which common load balancers drop theirs. */
const keepAliveMs = 65_000
const connectionsMax = 10_000
const parameterCharactersMax = 256
/** How long a client is asked to wait when a dependency is away. */
const retryAfterSeconds = 2

export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, bodyLimitBytes, trustedProxies, observe } = options
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    trustProxy: (_address, hop) => hop < trustedProxies,
    requestTimeout: requestLimitMs,
    keepAliveTimeout: keepAliveMs,
    routerOptions: { maxParamLength: parameterCharactersMax },
    http: { headersTimeout: headersLimitMs },
    // A door tells its requests by metrics, and its own log lines name what went wrong; a line each would quote paths.
    logger: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // What is in a URL or a body is never shown to the next reader of it by prototype tricks.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
  }).withTypeProvider<ZodTypeProvider>()
  server.server.maxConnections = connectionsMax
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler((error: FastifyError, request, reply) => answerError({ error, request, reply }, log))
  server.setNotFoundHandler((_request, reply) => refuse(reply, { kind: 'not_found', detail: 'no such path' }))
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
function refusalOf(error: FastifyError, request: FastifyRequest): Refusal | undefined {
  if (error instanceof DependencyUnavailable) return { kind: 'unavailable', retryAfterSeconds }
  if (hasZodFastifySchemaValidationErrors(error)) {
    return { kind: 'invalid', faults: error.validation.map((issue) => faultOf(issue, error.validationContext)) }
  }
  const { statusCode = 500 } = error
  if (statusCode === 413) return { kind: 'too_large', limitBytes: request.routeOptions.bodyLimit ?? 0 }
  if (statusCode === 415) return { kind: 'unsupported_media_type', expected: 'application/json' }
  if (statusCode === 503) return { kind: 'unavailable', retryAfterSeconds }
  // What fastify itself refuses: a body that is not JSON, an empty one, a length that does not match.
  const isClients = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500
  return isClients
    ? { kind: 'invalid', faults: [{ field: '/', expected: 'a body of the stated type and length' }] }
    : undefined
}

interface SchemaIssue {
  instancePath: string
  message?: string
}

/** zod's messages tell what was expected and the type that came, never the value. */
function faultOf({ instancePath, message = 'a valid value' }: SchemaIssue, context: string | undefined): FieldFault {
  const place = context === undefined || context === 'body' ? '' : context.replace(/s$/, '')
  return { field: `${place}${instancePath === '' ? '/' : instancePath}`, expected: message }
}
