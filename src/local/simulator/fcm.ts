/**
 * FCM's HTTP v1 API as the real SDK sees it: `POST /v1/projects/<id>/messages:send` over TLS with an OAuth bearer.
 *
 * Error bodies carry the `FcmError` detail as in Firebase's "ErrorCode" reference. A registration token that begins
 * with a documented error code and a colon gets that code as its answer (`UNREGISTERED:1`), so that a demo needs no
 * script. Every other token is accepted.
 */
import { createServer } from 'node:https'
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { listenLocally, react, readBody } from './http-server.ts'
import type { Answer, CallContent, ProtocolServer, ProtocolServerOptions } from './simulator-server.ts'

const projectId = 'fanfare-local'
/** Firebase: a message is at most 4 KB. */
const maxMessageBytes = 4096

/** Every documented error code with the HTTP status and the RPC status that it comes with. */
const errorCodes: Record<string, { status: number; rpcStatus: string }> = {
  UNSPECIFIED_ERROR: { status: 500, rpcStatus: 'UNKNOWN' },
  INVALID_ARGUMENT: { status: 400, rpcStatus: 'INVALID_ARGUMENT' },
  UNREGISTERED: { status: 404, rpcStatus: 'NOT_FOUND' },
  SENDER_ID_MISMATCH: { status: 403, rpcStatus: 'PERMISSION_DENIED' },
  QUOTA_EXCEEDED: { status: 429, rpcStatus: 'RESOURCE_EXHAUSTED' },
  UNAVAILABLE: { status: 503, rpcStatus: 'UNAVAILABLE' },
  INTERNAL: { status: 500, rpcStatus: 'INTERNAL' },
  THIRD_PARTY_AUTH_ERROR: { status: 401, rpcStatus: 'UNAUTHENTICATED' },
}

/** What Google's servers say without an `FcmError`: a bad bearer, a missing permission, an unknown project. */
const rpcStatusOf: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

export async function startFcmServer(options: ProtocolServerOptions): Promise<ProtocolServer> {
  const accessToken = `ya29.${randomBytes(24).toString('hex')}`
  const { keyPem, certificatePem } = options.certificate
  const server = createServer({ key: keyPem, cert: certificatePem }, (request, response) => {
    // Not caught: takeCall fails only with the ledger, and then the simulator must not go on.
    void serve({ request, response }, { options, accessToken })
  })
  const { port, stop } = await listenLocally(server, options.port, options.host)
  const environment = {
    FANFARE_FCM_PROJECT_ID: projectId,
    FANFARE_FCM_ACCESS_TOKEN: accessToken,
    FANFARE_FCM_ENDPOINT: `https://${options.host.name}:${port}`,
    FANFARE_FCM_CA: certificatePem,
  }
  return { provider: 'fcm', port, environment, stop }
}

const texts = z.record(z.string(), z.string())

/** The part of the v1 message that Fanfare uses. */
const sendRequest = z.object({
  message: z.object({
    token: z.string().min(1),
    notification: z.object({ title: z.string().optional(), body: z.string().optional() }).optional(),
    data: texts.optional(),
    android: z
      .object({
        ttl: z.string().regex(/^\d+(\.\d+)?s$/),
        collapse_key: z.string(),
        priority: z.enum(['normal', 'high']),
      })
      .partial()
      .optional(),
  }),
})
type SendRequest = z.infer<typeof sendRequest>

async function serve(
  exchange: { request: IncomingMessage; response: ServerResponse },
  server: { options: ProtocolServerOptions; accessToken: string },
): Promise<void> {
  const { request } = exchange
  const body = await readBody(request)
  if (body === undefined) return
  const call = sendRequest.safeParse(parsed(body)).data
  const token = call?.message.token ?? ''
  const received = {
    provider: 'fcm',
    channel: 'android',
    address: token,
    deliveryId: call?.message.data?.['deliveryId'] ?? null,
    content: call === undefined ? {} : contentOf(call),
  } as const
  const reaction = await server.options.takeCall(received, {
    decide() {
      if (request.headers.authorization !== `Bearer ${server.accessToken}`) return refuseBare(401)
      const sendPath = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(request.url ?? '')
      if (request.method !== 'POST' || sendPath?.[1] !== projectId) return refuseBare(404)
      if (call === undefined || Buffer.byteLength(body) > maxMessageBytes) return refuse('INVALID_ARGUMENT')
      const errorCode = Object.keys(errorCodes).find((code) => token.startsWith(`${code}:`))
      return errorCode === undefined ? accept() : refuse(errorCode)
    },
    refuse({ status, code, retryAfterSeconds }) {
      const { headers, ...answer } = code === undefined ? refuseBare(status) : refuse(String(code), status)
      if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
      return { headers, ...answer }
    },
  })
  react(reaction, exchange)
}

function accept(): Answer {
  const messageId = `0:${randomBytes(12).toString('hex')}`
  const body = JSON.stringify({ name: `projects/${projectId}/messages/${messageId}` })
  return { verdict: 'accepted', providerMessageId: messageId, status: 200, headers: { ...jsonHeaders }, body }
}

function refuse(errorCode: string, scriptedStatus?: number): Answer {
  const status = scriptedStatus ?? errorCodes[errorCode]?.status ?? 500
  const rpcStatus = errorCodes[errorCode]?.rpcStatus ?? rpcStatusOf[status] ?? 'UNKNOWN'
  return refusal({ status, rpcStatus, details: [{ '@type': fcmErrorType, errorCode }] })
}

function refuseBare(status: number): Answer {
  return refusal({ status, rpcStatus: rpcStatusOf[status] ?? 'UNKNOWN' })
}

const jsonHeaders = { 'content-type': 'application/json; charset=UTF-8' }
const fcmErrorType = 'type.googleapis.com/google.firebase.fcm.v1.FcmError'

function refusal(error: { status: number; rpcStatus: string; details?: object[] }): Answer {
  const { status, rpcStatus, details } = error
  const body = JSON.stringify({
    error: { code: status, message: 'Refused by the simulator.', status: rpcStatus, details },
  })
  return { verdict: 'refused', providerMessageId: null, status, headers: { ...jsonHeaders }, body }
}

function contentOf({ message }: SendRequest): CallContent {
  const { ttl, collapse_key: collapseKey, priority } = message.android ?? {}
  return {
    title: message.notification?.title ?? '',
    body: message.notification?.body ?? '',
    parameters: {
      ...message.data,
      ...(ttl === undefined ? {} : { ttl }),
      ...(collapseKey === undefined ? {} : { collapse_key: collapseKey }),
      ...(priority === undefined ? {} : { priority }),
    },
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
