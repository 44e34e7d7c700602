/**
 * firebase-admin as the provider uses it: `send()` over HTTP/1.1 on our own connections, one request for each call.
 *
 * Guarantees: one `send` is at most one request on the wire, it ends with its signal, and its result is what FCM said
 * (status, Retry-After, body) or how far the call came without an answer.
 *
 * The SDK takes three of these hidden decisions that we must not leave to it:
 * - It repeats 503, ECONNRESET and ETIMEDOUT four times. Each could show the notification once more, and after a
 *   Retry-After it would sleep on a timer for up to a minute. There is no option; the request handler's own retry
 *   configuration is set to none. Without it there the start fails, and provider-fcm.test.ts counts the calls.
 * - It has a fixed time-out of 15 s of silence and no way to end a call. Our agent sees every request when it is made
 *   (`addRequest`, the method by which Node hands a request to its agent), finds the call that it belongs to by the
 *   asynchronous context, and so can end it and knows whether it was written.
 * - It never settles if the connection breaks in the middle of an answer: the agent sees that too.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent } from 'node:https'
import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { cert, deleteApp, initializeApp, FirebaseAppError, type Credential } from 'firebase-admin/app'
import { FirebaseMessagingError, getMessaging, type Message, type Messaging } from 'firebase-admin/messaging'
import type { UnansweredCall } from '../call-deadline.ts'
import { parseServiceAccount, type FcmSettings } from './config.ts'

export interface FcmAnswer {
  status: number
  /** Parsed JSON, or the text if it is none. */
  body: unknown
  retryAfter: string | undefined
}

export type FcmResult =
  /** `name` as FCM answered it, `projects/<project>/messages/<id>`; undefined if a 200 names none. */
  | { kind: 'accepted'; name: string | undefined }
  | { kind: 'refused'; answer: FcmAnswer }
  | { kind: 'unanswered'; call: UnansweredCall }
  /** Google gave no access token, and FCM was not called; `status` is the token endpoint's answer, if there was one. */
  | { kind: 'no_access_token'; status: number | undefined }
  /** The SDK would not send it. */
  | { kind: 'invalid_message' }

export interface FcmClient {
  /** @param signal ends the call; a call that ends before it is written stays unwritten. Never rejects. */
  send(message: Message, signal: AbortSignal): Promise<FcmResult>
  /** Closes the connections. To be called when no call is under way. Idempotent. */
  close(): Promise<void>
}

/** HTTP/1.1 takes a connection for each call under way; calls beyond it wait within their deadline. */
const maxConnections = 512
/** A connection that has been idle for longer may be dead already at the other end. */
const maxIdleMs = 30_000

/** What travels beside a call, since the SDK takes nothing along. */
interface CallInProgress {
  signal: AbortSignal
  written: boolean
  request?: ClientRequest
  end(result: FcmResult): void
}

const callInProgress = new AsyncLocalStorage<CallInProgress>()

export function createFcmClient(settings: FcmSettings): FcmClient {
  const agent = new WatchingAgent(settings)
  const options = { projectId: settings.projectId, credential: credentialOf(settings), httpAgent: agent }
  const app = initializeApp(options, `fanfare-${randomUUID()}`)
  const messaging = getMessaging(app)
  disableRetries(messaging)
  let closing: Promise<void> | undefined

  async function send(message: Message, signal: AbortSignal): Promise<FcmResult> {
    if (signal.aborted) return unanswered({ written: false, timedOut: true })
    const { promise, resolve } = Promise.withResolvers<FcmResult>()
    const call: CallInProgress = { signal, written: false, end: resolve }
    const abort = (): void => {
      resolve(unanswered({ written: call.written, timedOut: true }))
      call.request?.destroy()
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      callInProgress.run(call, () => {
        sendThroughSdk(messaging, message).then(
          (name) => resolve({ kind: 'accepted', name }),
          (error: unknown) => resolve(resultOf(error, call)),
        )
      })
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async function closeAll(): Promise<void> {
    agent.destroy()
    await deleteApp(app)
  }

  return { send, close: () => (closing ??= closeAll()) }
}

/** The SDK throws for a message that it will not send, and rejects for everything else. */
async function sendThroughSdk(messaging: Messaging, message: Message): Promise<string | undefined> {
  return messaging.send(message)
}

/** Errors of the SDK quote answers and requests: nothing of them but what is read here goes on. */
function resultOf(error: unknown, call: CallInProgress): FcmResult {
  if (error instanceof FirebaseMessagingError) {
    const { httpResponse } = error
    if (httpResponse === undefined) return { kind: 'invalid_message' }
    const retryAfter: unknown = httpResponse.headers['retry-after']
    const answer = {
      status: httpResponse.status,
      body: httpResponse.data,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
    }
    return { kind: 'refused', answer }
  }
  if (error instanceof FirebaseAppError && error.hasCode('invalid-credential')) {
    return { kind: 'no_access_token', status: statusOf(error.cause) }
  }
  const timedOut = error instanceof FirebaseAppError && error.hasCode('network-timeout')
  return unanswered({ written: call.written, timedOut })
}

/** google-auth-library's errors carry the answer that they are about. */
function statusOf(error: unknown): number | undefined {
  const { response } = (error ?? {}) as { response?: { status?: unknown } }
  return typeof response?.status === 'number' ? response.status : undefined
}

function unanswered(call: UnansweredCall): FcmResult {
  return { kind: 'unanswered', call }
}

function credentialOf({ serviceAccount, accessToken }: FcmSettings): Credential {
  if (serviceAccount === undefined) {
    const token = { access_token: accessToken ?? '', expires_in: staticTokenSeconds }
    return { getAccessToken: () => Promise.resolve(token) }
  }
  const {
    project_id: projectId,
    client_email: clientEmail,
    private_key: privateKey,
  } = parseServiceAccount(serviceAccount) ?? {}
  if (projectId === undefined || clientEmail === undefined || privateKey === undefined) {
    throw new Error('The settings hold a service account that they did not check.')
  }
  return cert({ projectId, clientEmail, privateKey })
}

/** The SDK asks again when it is over. */
const staticTokenSeconds = 3600

/** See the head of the file. The configuration belongs to this one request handler; other users of the SDK keep theirs. */
function disableRetries(messaging: Messaging): void {
  const { messagingRequestHandler } = messaging as unknown as {
    messagingRequestHandler?: { httpClient?: { retry?: { maxRetries?: unknown } } }
  }
  const retry = messagingRequestHandler?.httpClient?.retry
  if (typeof retry?.maxRetries !== 'number') throw new Error('firebase-admin retries elsewhere now: see client.ts')
  retry.maxRetries = 0
}

type AddRequest = (request: ClientRequest, ...rest: unknown[]) => void

/** Not in Node's types, but what every custom agent overrides. */
const addRequestOfAgent = (Agent.prototype as unknown as { addRequest: AddRequest }).addRequest

class WatchingAgent extends Agent {
  readonly #settings: FcmSettings
  readonly #secured = new WeakSet<Socket>()

  constructor(settings: FcmSettings) {
    super({ keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections, timeout: maxIdleMs })
    this.#settings = settings
  }

  override createConnection(): TLSSocket {
    const { endpoint, ca } = this.#settings
    const socket = connect({
      host: endpoint?.host ?? fcmHost,
      port: endpoint?.port ?? 443,
      // Also at another endpoint: the SDK believes to call Google, and so does the server that answers for it.
      servername: fcmHost,
      ALPNProtocols: ['http/1.1'],
      ...(ca === undefined ? {} : { ca }),
    })
    socket.once('secureConnect', () => this.#secured.add(socket))
    return socket
  }

  addRequest(request: ClientRequest, ...rest: unknown[]): void {
    const call = callInProgress.getStore()
    if (call !== undefined) this.#watch(request, call)
    addRequestOfAgent.call(this, request, ...rest)
  }

  #watch(request: ClientRequest, call: CallInProgress): void {
    call.request = request
    // The request leaves as soon as its connection is secured, which a kept one is already.
    request.once('socket', (socket) => {
      if (this.#secured.has(socket)) call.written = true
      else socket.once('secureConnect', () => (call.written = true))
    })
    request.once('response', (response: IncomingMessage) => {
      response.once('close', () => {
        if (!response.complete) call.end(unanswered({ written: true, timedOut: call.signal.aborted }))
      })
    })
    // The caller gave up while the SDK waited for an access token: nothing is written for nobody.
    if (call.signal.aborted) request.destroy()
  }
}

const fcmHost = 'fcm.googleapis.com'
