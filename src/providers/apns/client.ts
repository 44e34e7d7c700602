/**
 * node-apn as the provider uses it: one HTTP/2 session, kept and renewed by the SDK, and one request for each call.
 *
 * Guarantees: one `post` is at most one request on the wire, it ends with its signal, and its answer is what APNs said
 * (status, Retry-After, body) or how far the call came without one.
 *
 * The SDK's own result cannot say that. It drops the status of an answer that is not JSON and of one without a body,
 * the reason of a 500 and every Retry-After; it closes the shared session after a 500 and, at the second one, destroys
 * it under the calls of everybody else. So the SDK signs, connects and writes, and we read the answer on the stream
 * itself: `client.request`, which node-apn 8.1.0 calls once for each request, is given a session that lets us watch the
 * stream, and always resolves, which keeps the SDK from its retries and from that session. The call that a request
 * belongs to is found by the asynchronous context. provider-apns.test.ts fails if another version goes another way.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientHttp2Session, ClientHttp2Stream, Http2Session, IncomingHttpHeaders } from 'node:http2'
import apn from '@parse/node-apn'
import type { UnansweredCall } from '../call-deadline.ts'
import type { ApnsSettings } from './config.ts'

export interface ApnsAnswer {
  status: number
  /** Empty for an acceptance. */
  body: string
  /** The id that APNs gave the notification, ours if it took it. */
  apnsId: string | undefined
  retryAfter: string | undefined
}

export type ApnsResult =
  | { kind: 'answered'; answer: ApnsAnswer }
  /** `refused`: the server says that it has not processed the request (RFC 9113, section 8.7). */
  | { kind: 'unanswered'; call: UnansweredCall & { refused: boolean } }

export interface ApnsClient {
  /** @param signal ends the call; a call that ends before it is written stays unwritten. Never rejects. */
  post(notification: apn.Notification, deviceToken: string, signal: AbortSignal): Promise<ApnsResult>
  /** Ends the session. To be called when no call is under way. Idempotent. */
  close(): void
}

/** An answer of APNs has at most a reason and a timestamp. */
const maxAnswerLength = 10_000

/** The part of node-apn's client, not in its types, that stands between it and the session. */
interface SdkClient {
  request(session: RequestingSession, ...rest: unknown[]): Promise<object>
}
type RequestingSession = Pick<ClientHttp2Session, 'request'>

/** What travels beside a call, since the SDK takes nothing along. */
interface CallInProgress {
  signal: AbortSignal
  stream?: ClientHttp2Stream
  /** The stream's, which it forgets when it closes. */
  session?: Http2Session | undefined
  resolve(result: ApnsResult): void
}

const callInProgress = new AsyncLocalStorage<CallInProgress>()

export function createApnsClient(settings: ApnsSettings): ApnsClient {
  const provider = new apn.Provider({
    token: { key: settings.signingKey, keyId: settings.keyId, teamId: settings.teamId },
    production: settings.environment === 'production',
    connectionRetryLimit: 0,
    // Measures silence; the deadline of the call's signal comes first.
    requestTimeout: 2 * settings.timeoutMs,
    ...(settings.endpoint === undefined ? {} : { address: settings.endpoint.host, port: settings.endpoint.port }),
    ...(settings.ca === undefined ? {} : { ca: [settings.ca] }),
  })
  const sdk = sdkClientOf(provider)
  watchRequests(sdk)

  async function post(notification: apn.Notification, deviceToken: string, signal: AbortSignal): Promise<ApnsResult> {
    if (signal.aborted) return notWritten(signal)
    const { promise, resolve } = Promise.withResolvers<ApnsResult>()
    const call: CallInProgress = { signal, resolve }
    const startedAt = performance.now()
    const abort = (): void => giveUp(call)
    signal.addEventListener('abort', abort, { once: true })
    // Without a stream there was no session to write to: it was lost at that moment, or the client is closed.
    const ended = (): void => {
      if (call.stream === undefined) resolve(notWritten(signal))
    }
    try {
      callInProgress.run(call, () => void provider.send(notification, deviceToken).then(ended, ended))
      const result = await promise
      if (result.kind === 'unanswered' && result.call.timedOut) leaveSilentSession(call.session, startedAt)
      return result
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  // The SDK waits for the session's end, which it never sees if the session is lost already; so we do not wait for it.
  return { post, close: () => void provider.shutdown() }
}

function sdkClientOf(provider: apn.Provider): SdkClient {
  const { client } = provider as unknown as { client?: SdkClient }
  if (typeof client?.request !== 'function') throw new Error('node-apn has no client.request any more: see client.ts')
  return client
}

function watchRequests(sdk: SdkClient): void {
  const request = sdk.request.bind(sdk)
  sdk.request = async (session, ...rest) => {
    const call = callInProgress.getStore()
    // Its caller has given up while the SDK was connecting: nothing is written for nobody.
    if (call === undefined || call.signal.aborted) return {}
    const watched: RequestingSession = {
      request(...requested) {
        const stream = session.request(...requested)
        watch(stream, call)
        return stream
      },
    }
    await request(watched, ...rest).catch(() => undefined)
    return {}
  }
}

/** Resolves the call when its stream closes, which every stream does, whatever happens to its session. */
function watch(stream: ClientHttp2Stream, call: CallInProgress): void {
  call.stream = stream
  call.session = stream.session
  let headers: IncomingHttpHeaders | undefined
  let body = ''
  stream.on('response', (received) => {
    headers = received
    if (call.session !== undefined) lastAnswerAt.set(call.session, performance.now())
  })
  stream.on('data', (text: string) => {
    if (body.length < maxAnswerLength) body += text
  })
  stream.on('error', () => undefined)
  stream.on('close', () => {
    const status = headers?.[':status']
    if (headers === undefined || status === undefined) {
      const timedOut = call.signal.aborted
      const refused = stream.rstCode === rstRefusedStream
      // A stream gets its id when the session is connected and the request goes out.
      call.resolve({ kind: 'unanswered', call: { written: stream.id !== undefined, timedOut, refused } })
      return
    }
    const answer = { status: Number(status), body, apnsId: one(headers['apns-id']), retryAfter: headers['retry-after'] }
    call.resolve({ kind: 'answered', answer })
  })
}

/** http2.constants.NGHTTP2_REFUSED_STREAM */
const rstRefusedStream = 7

function giveUp(call: CallInProgress): void {
  // Destroyed before it is connected, a stream is never written; afterwards this cancels it.
  if (call.stream === undefined) call.resolve(notWritten(call.signal))
  else call.stream.destroy()
}

function notWritten(signal: AbortSignal): ApnsResult {
  return { kind: 'unanswered', call: { written: false, timedOut: signal.aborted, refused: false } }
}

const lastAnswerAt = new WeakMap<Http2Session, number>()

/**
 * A session over a dead connection stays open until TCP gives up, after minutes, and the SDK keeps using it. So when a
 * call times out and no other call had an answer meanwhile, the next call gets a new session; calls that are under way
 * end on the old one.
 */
function leaveSilentSession(session: Http2Session | undefined, callStartedAt: number): void {
  if (session !== undefined && (lastAnswerAt.get(session) ?? 0) < callStartedAt) session.close()
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
