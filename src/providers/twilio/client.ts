/**
 * The Twilio SDK on our own connections.
 *
 * Guarantees towards the provider above: one `createMessage` is at most one request on the wire, it ends within the
 * deadline of its signal, and its failure says all that classification needs and nothing that it must not (no number,
 * body or credential): status, Twilio's code, Retry-After, or how far a call without an answer came.
 *
 * The SDK's own HTTP client would hide Retry-After (its RestException has no headers) and has no bound on connections
 * and no abort. So the SDK gets this client, which ends a refused call itself; the SDK passes what it throws through.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import twilio from 'twilio'
import type RequestClient from 'twilio/lib/base/RequestClient.js'
import type { MessageListInstanceCreateOptions } from 'twilio/lib/rest/api/v2010/account/message.js'
import { Pool } from 'undici'
import type { UnansweredCall } from '../call-deadline.ts'
import type { TwilioSettings } from './config.ts'
import { post, type HttpAnswer, type HttpRequest } from './http-exchange.ts'

/** Calls beyond it wait for a connection within their deadline. Twilio refuses too many at once (error 20429). */
const maxConnections = 100
/** An answer to a message is about 1 KB. */
const maxAnswerBytes = 1024 * 1024

/** What Twilio answered other than 2xx. */
export interface TwilioRefusal {
  status: number
  /** Twilio's error code, or null if the body names none. */
  code: number | null
  /** Whether the body was JSON: if not, something in between may have answered. */
  readable: boolean
  retryAfter: string | undefined
}

export type TwilioFailure =
  | { kind: 'refused'; refusal: TwilioRefusal }
  | { kind: 'unanswered'; call: UnansweredCall }
  /** A 2xx that is not a message. */
  | { kind: 'unreadable' }

/** Carries a failure through the SDK. Holds no cause: causes of HTTP clients hold requests. */
export class TwilioCallFailed extends Error {
  readonly failure: TwilioFailure

  constructor(failure: TwilioFailure) {
    super(`Twilio call ${failure.kind}`)
    this.failure = failure
  }
}

export interface TwilioClient {
  /** @returns the message's sid. @throws TwilioCallFailed, and nothing else. */
  createMessage(message: MessageListInstanceCreateOptions, signal: AbortSignal): Promise<string>
  /** Waits for the calls in flight; further ones fail without being written. Idempotent. */
  close(): Promise<void>
}

/** The SDK takes no signal per call: it travels beside it. */
const signalOfCall = new AsyncLocalStorage<AbortSignal>()

export function createTwilioClient(settings: TwilioSettings): TwilioClient {
  const pool = new Pool(new URL(settings.endpoint).origin, {
    connections: maxConnections,
    // A second request on a connection would share the fate of the first.
    pipelining: 1,
    connectTimeout: settings.timeoutMs,
    // The call's deadline covers both, and from its start.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: maxAnswerBytes,
  })
  const httpClient = new PoolRequestClient(pool)
  const sdk = twilio(settings.accountSid, settings.authToken, { httpClient, autoRetry: false })
  const inFlight = new Set<Promise<string>>()

  async function call(message: MessageListInstanceCreateOptions, signal: AbortSignal): Promise<string> {
    try {
      const { sid } = await signalOfCall.run(signal, () => sdk.messages.create(message))
      if (typeof sid !== 'string' || sid === '') throw new TwilioCallFailed({ kind: 'unreadable' })
      return sid
    } catch (error) {
      if (error instanceof TwilioCallFailed) throw error
      // What else the SDK throws after our client has answered is about the body of a 2xx.
      throw new TwilioCallFailed({ kind: 'unreadable' })
    }
  }

  async function createMessage(message: MessageListInstanceCreateOptions, signal: AbortSignal): Promise<string> {
    const calling = call(message, signal)
    inFlight.add(calling)
    try {
      return await calling
    } finally {
      inFlight.delete(calling)
    }
  }

  async function close(): Promise<void> {
    await Promise.allSettled(inFlight)
    if (!pool.destroyed) await pool.destroy()
  }

  return { createMessage, close }
}

class PoolRequestClient extends twilio.RequestClient {
  readonly #pool: Pool

  constructor(pool: Pool) {
    super()
    this.#pool = pool
  }

  override async request<Body>(
    options: RequestClient.RequestOptions<Body>,
  ): Promise<{ statusCode: number; body: Body; headers: unknown }> {
    const signal = signalOfCall.getStore()
    if (signal === undefined) throw new Error('A Twilio call outside of createMessage.')
    const exchange = await post(this.#pool, requestOf(options), signal)
    if (exchange.kind === 'unanswered') throw new TwilioCallFailed(exchange)
    const { status, headers, body } = exchange.answer
    if (status >= 300) throw new TwilioCallFailed({ kind: 'refused', refusal: refusalOf(exchange.answer) })
    // The SDK parses a body of text itself.
    return { statusCode: status, body: body as Body, headers }
  }
}

function requestOf(options: RequestClient.RequestOptions<unknown>): HttpRequest {
  const { pathname, search } = new URL(options.uri)
  const headers = Object.entries(options.headers ?? {}).map(([name, value]): [string, string] => [name, String(value)])
  return {
    path: pathname + search,
    headers: { ...Object.fromEntries(headers), authorization: basicAuthorization(options) },
    body: formOf(options.data),
  }
}

function refusalOf({ status, headers, body }: HttpAnswer): TwilioRefusal {
  const parsed = parseJsonObject(body)
  const code = parsed?.['code']
  return {
    status,
    code: typeof code === 'number' ? code : null,
    readable: parsed !== null,
    retryAfter: headers['retry-after'],
  }
}

function parseJsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}

function basicAuthorization({ username, password }: RequestClient.RequestOptions<unknown>): string {
  return `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`
}

/** Lone surrogates become U+FFFD here: a form is UTF-8, which cannot hold them. */
function formOf(data: unknown): string {
  const fields = Object.entries(data ?? {}).filter(([, value]) => value !== undefined)
  return new URLSearchParams(fields.map(([name, value]): [string, string] => [name, String(value)])).toString()
}
