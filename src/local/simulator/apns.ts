/**
 * APNs as the real SDK sees it: HTTP/2 over TLS, `POST /3/device/<token>`, a provider token on every request.
 *
 * Limits, headers and error bodies follow Apple's "Sending notification requests to APNs" and "Handling notification
 * responses from APNs". A device token that begins with the hex of a documented reason gets that reason as its answer
 * (`apnsTokenFor('Unregistered', '01')`), so that a demo needs no script; one for `GoAway` is accepted, and then its
 * connection is told to end. Every other token of hex digits is accepted.
 */
import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { z } from 'zod'
import { createProviderTokenCheck, type ProviderTokenCheck } from './apns-provider-token.ts'
import { listenLocally, readBody } from './http-server.ts'
import type { Answer, CallContent, ProtocolServer, ProtocolServerOptions, Reaction } from './simulator-server.ts'

const keyId = 'FANFAREKEY'
const teamId = 'FANFARETM1'
const topic = 'com.example.fanfare'

/** Apple: the payload of an alert is at most 4 KB. */
const maxPayloadBytes = 4096
const maxCollapseIdBytes = 64
/** What Apple's servers announce. */
const maxConcurrentStreams = 1000

/** Every documented reason and the status that it comes with. */
const statusOfReason: Record<string, number> = {
  BadCollapseId: 400,
  BadDeviceToken: 400,
  BadExpirationDate: 400,
  BadMessageId: 400,
  BadPriority: 400,
  BadTopic: 400,
  DeviceTokenNotForTopic: 400,
  DuplicateHeaders: 400,
  IdleTimeout: 400,
  InvalidPushType: 400,
  MissingDeviceToken: 400,
  MissingTopic: 400,
  PayloadEmpty: 400,
  TopicDisallowed: 400,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
}

/** What a scripted status without a code says. */
const reasonOfStatus: Record<number, string> = {
  400: 'BadDeviceToken',
  403: 'InvalidProviderToken',
  404: 'BadPath',
  405: 'MethodNotAllowed',
  410: 'Unregistered',
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

/**
 * A device token that asks the simulator for an answer.
 * @param reason a documented reason, or `GoAway`.
 * @param distinction hex digits that tell tokens of one reason apart.
 */
export function apnsTokenFor(reason: string, distinction = ''): string {
  return `${Buffer.from(reason).toString('hex')}${distinction}`.padEnd(64, '0')
}

export async function startApnsServer(options: ProtocolServerOptions): Promise<ProtocolServer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const publicKey = createPublicKey(privateKey)
  const checkToken = createProviderTokenCheck({ publicKey, keyId, teamId, now: options.now })
  const { keyPem, certificatePem } = options.certificate
  const server = createSecureServer({ key: keyPem, cert: certificatePem, settings: { maxConcurrentStreams } })
  // A caller that drops its connection is part of the play; without a listener it would end the process.
  server.on('session', (session) => session.on('error', () => undefined))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    // Not caught: takeCall fails only with the ledger, and then the simulator must not go on.
    void serve({ stream, headers }, { options, checkToken })
  })
  const { port, stop } = await listenLocally(server, options.port, options.host)
  const environment = {
    FANFARE_APNS_SIGNING_KEY: signingKey,
    FANFARE_APNS_KEY_ID: keyId,
    FANFARE_APNS_TEAM_ID: teamId,
    FANFARE_APNS_TOPIC: topic,
    FANFARE_APNS_ENVIRONMENT: 'production',
    FANFARE_APNS_ENDPOINT: `https://${options.host.name}:${port}`,
    FANFARE_APNS_CA: certificatePem,
  }
  return { provider: 'apns', port, environment, stop }
}

interface Request {
  headers: IncomingHttpHeaders
  payload: string
  token: string
  apnsId: string
}

async function serve(
  call: { stream: ServerHttp2Stream; headers: IncomingHttpHeaders },
  server: { options: ProtocolServerOptions; checkToken: ProviderTokenCheck },
): Promise<void> {
  const { stream, headers } = call
  const payload = await readBody(stream)
  if (payload === undefined) return
  const token = /^\/3\/device\/([^/]*)$/.exec(headers[':path'] ?? '')?.[1] ?? ''
  const apnsId = headerOf(headers, 'apns-id') ?? randomUUID().toUpperCase()
  const request: Request = { headers, payload, token, apnsId }
  const received = {
    provider: 'apns',
    channel: 'ios',
    address: token,
    deliveryId: headerOf(headers, 'apns-id') ?? null,
    content: contentOf(request),
  } as const
  const reaction = await server.options.takeCall(received, {
    decide() {
      const reason = faultOf(request, server.checkToken)
      return reason === undefined ? accept(apnsId) : refuse({ apnsId, reason, now: server.options.now })
    },
    refuse({ status, code, retryAfterSeconds }) {
      const reason = String(code ?? reasonOfStatus[status] ?? 'Unknown')
      return refuse({ apnsId, reason, now: server.options.now, status, retryAfterSeconds })
    },
  })
  react(reaction, stream)
  if (token.startsWith(Buffer.from('GoAway').toString('hex'))) stream.session?.goaway()
}

/** The reason of the first thing that is wrong with the request, or undefined. */
function faultOf({ headers, payload, token }: Request, checkToken: ProviderTokenCheck): string | undefined {
  if (headers[':method'] !== 'POST') return 'MethodNotAllowed'
  if (!headers[':path']?.startsWith('/3/device/')) return 'BadPath'
  const tokenFault = checkToken(headerOf(headers, 'authorization'))
  if (tokenFault !== undefined) return tokenFault
  if (token === '') return 'MissingDeviceToken'
  if (!/^([0-9a-f]{2})+$/i.test(token)) return 'BadDeviceToken'
  const apnsTopic = headerOf(headers, 'apns-topic')
  if (apnsTopic === undefined) return 'MissingTopic'
  if (apnsTopic !== topic) return 'TopicDisallowed'
  if (headerOf(headers, 'apns-push-type') !== 'alert') return 'InvalidPushType'
  if (!/^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$/i.test(headerOf(headers, 'apns-id') ?? '')) return 'BadMessageId'
  if (!/^\d*$/.test(headerOf(headers, 'apns-expiration') ?? '')) return 'BadExpirationDate'
  if (!['1', '5', '10'].includes(headerOf(headers, 'apns-priority') ?? '10')) return 'BadPriority'
  if (Buffer.byteLength(headerOf(headers, 'apns-collapse-id') ?? '') > maxCollapseIdBytes) return 'BadCollapseId'
  if (payload === '') return 'PayloadEmpty'
  if (Buffer.byteLength(payload) > maxPayloadBytes) return 'PayloadTooLarge'
  const words = Buffer.from(token, 'hex').toString('latin1')
  return Object.keys(statusOfReason).find((reason) => words.startsWith(reason))
}

function accept(apnsId: string): Answer {
  const headers = { 'apns-id': apnsId }
  return { verdict: 'accepted', providerMessageId: apnsId, status: 200, headers, body: '' }
}

interface Refusal {
  apnsId: string
  reason: string
  now: () => number
  status?: number
  retryAfterSeconds?: number | undefined
}

function refuse({ apnsId, reason, now, status, retryAfterSeconds }: Refusal): Answer {
  const answered = status ?? statusOfReason[reason] ?? 400
  // Apple: with 410, when APNs last confirmed that the token is no longer valid for the topic, in ms.
  const body = JSON.stringify(answered === 410 ? { reason, timestamp: now() } : { reason })
  const headers: Record<string, string> = { 'apns-id': apnsId, 'content-type': 'application/json' }
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  return { verdict: 'refused', providerMessageId: null, status: answered, headers, body }
}

function react(reaction: Reaction, stream: ServerHttp2Stream): void {
  if (stream.destroyed) return
  switch (reaction.kind) {
    case 'answer':
      stream.respond({ ':status': reaction.status, ...reaction.headers })
      stream.end(reaction.body)
      return
    case 'hang':
      return
    case 'reset':
      stream.session?.destroy()
      return
  }
}

const recordedHeaders = ['apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration', 'apns-collapse-id']

function contentOf({ headers, payload }: Request): CallContent {
  const parameters: Record<string, string> = {}
  for (const name of recordedHeaders) {
    const value = headerOf(headers, name)
    if (value !== undefined) parameters[name] = value
  }
  const parsed = payloadOf(payload)
  if (parsed === undefined) return { parameters }
  const { aps, ...custom } = parsed
  for (const [name, value] of Object.entries(custom)) parameters[name] = String(value)
  return { title: aps?.alert?.title ?? '', body: aps?.alert?.body ?? '', parameters }
}

/** The form of payload that Fanfare sends; APNs takes more. */
const payloadForm = z.looseObject({
  aps: z.object({ alert: z.object({ title: z.string().optional(), body: z.string().optional() }) }).optional(),
})

function payloadOf(payload: string): z.infer<typeof payloadForm> | undefined {
  try {
    return payloadForm.safeParse(JSON.parse(payload)).data
  } catch {
    return undefined
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
