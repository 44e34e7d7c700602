/**
 * Twilio's Messages resource as the real SDK sees it: `POST /2010-04-01/Accounts/<sid>/Messages.json`, a form with
 * Basic authentication.
 *
 * Error bodies are `{code, message, more_info, status}` as in Twilio's "Error and Warning Dictionary". Numbers that end
 * like Twilio's own magic numbers for test credentials get their documented answers, so that a demo needs no script:
 *
 *   5005550001  21211 invalid number           5005550009  21614 not a mobile number
 *   5005550002  21612 no route                 5005550429  20429 too many requests, Retry-After 1 s (ours)
 *   5005550003  21408 region not enabled       5005550503  20503 service unavailable (ours)
 *   5005550004  21610 unsubscribed
 *
 * The delivery id of a call is the `delivery` parameter of its StatusCallback; webhooks.ts calls it.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenLocally, react, readBody } from './http-server.ts'
import type { Answer, CallContent, ProtocolServer, ProtocolServerOptions, ScriptedRefusal } from './simulator-server.ts'

/** Twilio: error 21617 beyond it. */
const maxBodyCharacters = 1600
/** Twilio: error 90007 outside of it, in seconds. */
const validityPeriodSeconds = { min: 1, max: 36_000 }

/** The documented codes that the simulator itself answers with, and the status that each comes with. */
const documented: Record<number, { status: number; message: string }> = {
  20003: { status: 401, message: 'Authenticate' },
  20404: { status: 404, message: 'The requested resource was not found' },
  20429: { status: 429, message: 'Too Many Requests' },
  20500: { status: 500, message: 'An internal server error has occurred' },
  20503: { status: 503, message: 'Service unavailable' },
  21211: { status: 400, message: "Invalid 'To' Phone Number" },
  21212: { status: 400, message: "Invalid 'From' Phone Number" },
  21408: { status: 403, message: 'Permission to send an SMS has not been enabled for the region' },
  21602: { status: 400, message: 'Message body is required.' },
  21603: { status: 400, message: "A 'From' phone number is required." },
  21604: { status: 400, message: "A 'To' phone number is required." },
  21610: { status: 400, message: 'Attempt to send to unsubscribed recipient' },
  21612: { status: 400, message: 'The message cannot be sent with this combination of To and From' },
  21614: { status: 400, message: "'To' number is not a valid mobile number" },
  21617: { status: 400, message: 'The message body exceeds the 1600 character limit' },
  90007: { status: 400, message: 'Invalid validity period value' },
}

const codeOfEnding: Record<string, number> = {
  '5005550001': 21211,
  '5005550002': 21612,
  '5005550003': 21408,
  '5005550004': 21610,
  '5005550009': 21614,
  '5005550429': 20429,
  '5005550503': 20503,
}

/** What a scripted status without a code says. */
const codeOfStatus: Record<number, number> = {
  400: 21211,
  401: 20003,
  403: 20403,
  404: 20404,
  429: 20429,
  500: 20500,
  503: 20503,
}

interface Account {
  sid: string
  authToken: string
}

export async function startTwilioServer(options: ProtocolServerOptions): Promise<ProtocolServer> {
  const account = { sid: `AC${randomBytes(16).toString('hex')}`, authToken: randomBytes(16).toString('hex') }
  const server = createServer((request, response) => {
    // Not caught: takeCall fails only with the ledger, and then the simulator must not go on.
    void serve({ request, response }, { options, account })
  })
  const { port, stop } = await listenLocally(server, options.port, options.host)
  const environment = {
    FANFARE_TWILIO_ACCOUNT_SID: account.sid,
    FANFARE_TWILIO_AUTH_TOKEN: account.authToken,
    FANFARE_TWILIO_FROM: '+15005550006',
    FANFARE_TWILIO_ENDPOINT: `http://${options.host.name}:${port}`,
    // Called where the simulator is aimed at an edge; in any case it carries the delivery id into the ledger.
    FANFARE_TWILIO_STATUS_CALLBACK: 'https://fanfare.example.com/webhooks/twilio/status',
  }
  return { provider: 'twilio', port, environment, stop }
}

async function serve(
  exchange: { request: IncomingMessage; response: ServerResponse },
  server: { options: ProtocolServerOptions; account: Account },
): Promise<void> {
  const { request } = exchange
  const body = await readBody(request)
  if (body === undefined) return
  const form = new URLSearchParams(body)
  const received = {
    provider: 'twilio',
    channel: 'sms',
    address: form.get('To') ?? '',
    deliveryId: deliveryIdOf(form),
    content: contentOf(form),
  } as const
  const reaction = await server.options.takeCall(received, {
    decide() {
      const code = faultOf(request, form, server.account)
      if (code === undefined) return accept(form, { account: server.account, now: server.options.now })
      const { status } = documented[code] ?? { status: 400 }
      return refuse({ status, code, ...(code === 20429 ? { retryAfterSeconds: 1 } : {}) })
    },
    refuse,
  })
  react(reaction, exchange)
}

/** The code of the first thing that is wrong with the request, or undefined. */
function faultOf(request: IncomingMessage, form: URLSearchParams, account: Account): number | undefined {
  const sid = /^\/2010-04-01\/Accounts\/([^/]+)\/Messages\.json$/.exec(request.url ?? '')?.[1]
  if (request.method !== 'POST' || sid === undefined) return 20404
  const basic = Buffer.from(`${account.sid}:${account.authToken}`).toString('base64')
  if (request.headers.authorization !== `Basic ${basic}`) return 20003
  if (sid !== account.sid) return 20404
  const to = form.get('To') ?? ''
  if (to === '') return 21604
  if (!isNumber(to)) return 21211
  const from = form.get('From')
  if (from === null && form.get('MessagingServiceSid') === null) return 21603
  if (from !== null && !isNumber(from)) return 21212
  const body = form.get('Body') ?? ''
  if (body === '') return 21602
  if (body.length > maxBodyCharacters) return 21617
  if (!isValidityPeriod(form.get('ValidityPeriod') ?? '1')) return 90007
  return codeOfEnding[to.slice(-10)]
}

function isNumber(text: string): boolean {
  return /^\+[1-9]\d{6,14}$/.test(text)
}

function isValidityPeriod(text: string): boolean {
  const seconds = Number(text)
  return /^\d+$/.test(text) && seconds >= validityPeriodSeconds.min && seconds <= validityPeriodSeconds.max
}

const jsonHeaders = { 'content-type': 'application/json' }

function accept(form: URLSearchParams, context: { account: Account; now: () => number }): Answer {
  const { account, now } = context
  const sid = `SM${randomBytes(16).toString('hex')}`
  const date = new Date(now()).toUTCString().replace('GMT', '+0000')
  const service = form.get('MessagingServiceSid')
  const message = {
    account_sid: account.sid,
    api_version: '2010-04-01',
    body: form.get('Body'),
    date_created: date,
    date_sent: null,
    date_updated: date,
    direction: 'outbound-api',
    error_code: null,
    error_message: null,
    from: form.get('From'),
    messaging_service_sid: service,
    num_media: '0',
    num_segments: String(segmentsOf(form.get('Body') ?? '')),
    price: null,
    price_unit: 'USD',
    sid,
    status: service === null ? 'queued' : 'accepted',
    subresource_uris: { media: `/2010-04-01/Accounts/${account.sid}/Messages/${sid}/Media.json` },
    to: form.get('To'),
    uri: `/2010-04-01/Accounts/${account.sid}/Messages/${sid}.json`,
  }
  const body = JSON.stringify(message)
  return { verdict: 'accepted', providerMessageId: sid, status: 201, headers: jsonHeaders, body }
}

function refuse({ status, code: scriptedCode, retryAfterSeconds }: ScriptedRefusal): Answer {
  const given = Number(scriptedCode ?? codeOfStatus[status])
  const code = Number.isInteger(given) ? given : null
  const message = (code === null ? undefined : documented[code]?.message) ?? 'Refused by the simulator.'
  const body = JSON.stringify({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status })
  const headers: Record<string, string> = { ...jsonHeaders }
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds)
  return { verdict: 'refused', providerMessageId: null, status, headers, body }
}

/** As Twilio bills: 160 characters in one segment and 153 in each of several, or 70 and 67 beyond plain Latin. */
function segmentsOf(body: string): number {
  const plain = /^[\x20-\x7e\n\r]*$/.test(body)
  const [alone, each] = plain ? [160, 153] : [70, 67]
  return body.length <= alone ? 1 : Math.ceil(body.length / each)
}

function deliveryIdOf(form: URLSearchParams): string | null {
  const callback = form.get('StatusCallback') ?? ''
  return URL.canParse(callback) ? new URL(callback).searchParams.get('delivery') : null
}

const recordedParameters = ['From', 'MessagingServiceSid', 'StatusCallback', 'ValidityPeriod']

function contentOf(form: URLSearchParams): CallContent {
  const parameters: Record<string, string> = {}
  for (const name of recordedParameters) {
    const value = form.get(name)
    if (value !== null) parameters[name] = value
  }
  return { body: form.get('Body') ?? '', parameters }
}
