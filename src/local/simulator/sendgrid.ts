/**
 * SendGrid's Mail Send as the real SDK sees it: `POST /v3/mail/send`, JSON with a bearer key, 202 without a body.
 *
 * Error bodies are `{errors: [{message, field, help}]}`, limits and fields follow SendGrid's "Mail Send errors". Too
 * large a request is answered with HTML, as SendGrid's front end does.
 *
 * The ledger has one entry per call with the address of its first recipient, and the delivery id from the mail's
 * `custom_args.deliveryId`.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { z } from 'zod'
import { listenLocally, react, readBody } from './http-server.ts'
import type { Answer, CallContent, ProtocolServer, ProtocolServerOptions, ScriptedRefusal } from './simulator-server.ts'

/** SendGrid: the total size of a mail. */
const maxMailBytes = 30 * 1024 * 1024
/** SendGrid: the bytes of all custom arguments together. */
const maxCustomArgumentsBytes = 10_000
const maxPersonalizations = 1000
/** Requests per window, as the headers tell; only scripted faults enforce it. */
const rateLimit = { requests: 600, windowSeconds: 60 }

/** The headers that SendGrid sets itself and refuses from callers, in lower case. */
const reservedHeaders = new Set(
  'x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from subject reply-to cc bcc'.split(
    ' ',
  ),
)

/** What a scripted status says. */
const messageOfStatus: Record<number, string> = {
  400: 'Bad Request',
  401: 'The provided authorization grant is invalid, expired, or revoked',
  403: 'The from address does not match a verified Sender Identity.',
  404: 'Resource not found',
  405: 'Method Not Allowed',
  413: 'Payload Too Large',
  429: 'too many requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export async function startSendgridServer(options: ProtocolServerOptions): Promise<ProtocolServer> {
  const apiKey = `SG.${randomBytes(16).toString('base64url')}.${randomBytes(32).toString('base64url')}`
  const server = createServer((request, response) => {
    // Not caught: takeCall fails only with the ledger, and then the simulator must not go on.
    void serve({ request, response }, { options, apiKey })
  })
  const { port, stop } = await listenLocally(server, options.port, options.host)
  const environment = {
    FANFARE_SENDGRID_API_KEY: apiKey,
    FANFARE_SENDGRID_FROM: 'notifications@fanfare.example.com',
    FANFARE_SENDGRID_FROM_NAME: 'Fanfare',
    FANFARE_SENDGRID_ENDPOINT: `http://${options.host.name}:${port}`,
  }
  return { provider: 'sendgrid', port, environment, stop }
}

const party = z.object({ email: z.string(), name: z.string().optional() })

/** The part of a mail that Fanfare uses; what is wrong with its values has words of its own below. */
const mailSchema = z.object({
  from: party.optional(),
  subject: z.string().optional(),
  personalizations: z.array(z.object({ to: z.array(party).optional() })).optional(),
  content: z.array(z.object({ type: z.string(), value: z.string() })).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  custom_args: z.record(z.string(), z.string()).optional(),
  tracking_settings: z.record(z.string(), z.looseObject({ enable: z.boolean() })).optional(),
})
type Mail = z.infer<typeof mailSchema>

async function serve(
  exchange: { request: IncomingMessage; response: ServerResponse },
  server: { options: ProtocolServerOptions; apiKey: string },
): Promise<void> {
  const { request } = exchange
  const body = await readBody(request)
  if (body === undefined) return
  const mail = mailSchema.safeParse(parsed(body)).data
  const received = {
    provider: 'sendgrid',
    channel: 'email',
    address: mail?.personalizations?.[0]?.to?.[0]?.email ?? '',
    deliveryId: mail?.custom_args?.['deliveryId'] ?? null,
    content: mail === undefined ? {} : contentOf(mail),
  } as const
  const { now } = server.options
  const reaction = await server.options.takeCall(received, {
    decide() {
      if (request.url !== '/v3/mail/send') return refuse({ status: 404 }, now)
      if (request.method !== 'POST') return refuse({ status: 405 }, now)
      if (request.headers.authorization !== `Bearer ${server.apiKey}`) return refuse({ status: 401 }, now)
      if (Buffer.byteLength(body) > maxMailBytes) return refuse({ status: 413 }, now)
      if (mail === undefined) return refuse({ status: 400 }, now)
      const fault = faultOf(mail)
      return fault === undefined ? accept(now) : badRequest(fault, now)
    },
    refuse: (refusal) => refuse(refusal, now),
  })
  react(reaction, exchange)
}

interface MailFault {
  field: string
  message: string
}

function faultOf(mail: Mail): MailFault | undefined {
  return addressFaultOf(mail) ?? contentFaultOf(mail)
}

function addressFaultOf({ from, personalizations = [] }: Mail): MailFault | undefined {
  if (!isEmail(from?.email)) {
    return { field: 'from.email', message: 'The from email does not contain a valid address.' }
  }
  if (personalizations.length === 0 || personalizations.length > maxPersonalizations) {
    return { field: 'personalizations', message: `Between 1 and ${maxPersonalizations} personalizations are required.` }
  }
  for (const [index, { to = [] }] of personalizations.entries()) {
    if (to.length === 0) {
      return { field: `personalizations.${index}.to`, message: 'The to array is required.' }
    }
    const bad = to.findIndex(({ email }) => !isEmail(email))
    if (bad !== -1) {
      return { field: `personalizations.${index}.to.${bad}.email`, message: 'Does not contain a valid address.' }
    }
  }
  return undefined
}

function contentFaultOf({ subject = '', content = [], headers = {}, custom_args: customArgs }: Mail) {
  if (subject === '') return { field: 'subject', message: 'The subject is required.' }
  if (content.length === 0) return { field: 'content', message: 'The content is required.' }
  const empty = content.findIndex(({ value }) => value === '')
  if (empty !== -1) {
    return { field: `content.${empty}.value`, message: 'The content value must be at least one character in length.' }
  }
  const reserved = Object.keys(headers).find((name) => reservedHeaders.has(name.toLowerCase()))
  if (reserved !== undefined) return { field: `headers.${reserved}`, message: 'The header is reserved.' }
  if (Buffer.byteLength(JSON.stringify(customArgs ?? {})) > maxCustomArgumentsBytes) {
    return { field: 'custom_args', message: 'The custom arguments exceed 10,000 bytes.' }
  }
  return undefined
}

function isEmail(text: string | undefined): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text ?? '')
}

function accept(now: () => number): Answer {
  const providerMessageId = randomBytes(16).toString('base64url')
  const headers = { 'x-message-id': providerMessageId, ...rateLimitHeaders(now, { remaining: rateLimit.requests - 1 }) }
  return { verdict: 'accepted', providerMessageId, status: 202, headers, body: '' }
}

/** @param refusal.code the field that the error names. */
function refuse({ status, code, retryAfterSeconds }: ScriptedRefusal, now: () => number): Answer {
  if (status === 413) {
    const headers = { 'content-type': 'text/html' }
    const body = '<html><head><title>413 Request Entity Too Large</title></head><body></body></html>\n'
    return { verdict: 'refused', providerMessageId: null, status, headers, body }
  }
  const message = messageOfStatus[status] ?? 'Refused by the simulator.'
  const answer = errorAnswer(status, { field: code === undefined ? null : String(code), message })
  if (status === 429) {
    Object.assign(answer.headers, rateLimitHeaders(now, { remaining: 0, resetSeconds: retryAfterSeconds }))
  } else if (retryAfterSeconds !== undefined) {
    answer.headers['retry-after'] = String(retryAfterSeconds)
  }
  return answer
}

function badRequest(fault: MailFault, now: () => number): Answer {
  const answer = errorAnswer(400, fault)
  Object.assign(answer.headers, rateLimitHeaders(now, { remaining: rateLimit.requests - 1 }))
  return answer
}

function errorAnswer(status: number, error: { field: string | null; message: string }): Answer {
  const body = JSON.stringify({ errors: [{ ...error, help: null }] })
  return { verdict: 'refused', providerMessageId: null, status, headers: { 'content-type': 'application/json' }, body }
}

/** The reset is a moment in whole Unix seconds, rounded up: after it the caller is really welcome again. */
function rateLimitHeaders(
  now: () => number,
  state: { remaining: number; resetSeconds?: number | undefined },
): Record<string, string> {
  const reset = Math.ceil(now() / 1000) + (state.resetSeconds ?? rateLimit.windowSeconds)
  return {
    'x-ratelimit-limit': String(rateLimit.requests),
    'x-ratelimit-remaining': String(state.remaining),
    'x-ratelimit-reset': String(reset),
  }
}

function contentOf(mail: Mail): CallContent {
  const { from, subject = '', content = [], headers = {}, tracking_settings: tracking = {} } = mail
  const parameters: Record<string, string> = { from: from?.email ?? '' }
  for (const [name, value] of Object.entries(headers)) parameters[`headers.${name}`] = value
  for (const { type, value } of content) parameters[type] = value
  for (const [name, { enable }] of Object.entries(tracking)) parameters[`tracking_settings.${name}`] = String(enable)
  return { subject, body: content[0]?.value ?? '', parameters }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
