/**
 * The SendGrid SDK, one instance per call, over shared keep-alive connections.
 *
 * The SDK takes everything that we need (abort signal, agent, what to do with a refusal) only as defaults of a client,
 * and its module-level client is shared by the whole process: so every call makes its own, which costs microseconds.
 *
 * Guarantees: one `sendMail` is at most one request on the wire, it ends when its signal aborts, every HTTP answer is
 * a value, and nothing is thrown: the errors of the HTTP client below hold the API key, the address and the body.
 */
import http from 'node:http'
import https from 'node:https'
import sendgridClient from '@sendgrid/client'
import sendgridMail from '@sendgrid/mail'
import type { UnansweredCall } from '../call-deadline.ts'
import type { SendgridSettings } from './config.ts'

/** Calls beyond it wait for a connection within their deadline. */
const maxConnections = 100
/**
 * A connection that has been idle for longer may be dead already at the other end. Where the server announces a shorter
 * time of its own (Keep-Alive: timeout=5), Node's agent follows it, with a margin, and only if it was told one itself:
 * else the first mails after a pause are written to connections that are being closed, and nobody knows what became of
 * them.
 */
const maxIdleMs = 30_000
/** An answer to a mail is empty or a list of errors. */
const maxAnswerBytes = 1024 * 1024

// Both packages export an instance that has its class as a property; their types declare only the instance.
const { Client } = sendgridClient as unknown as { Client: new () => typeof sendgridClient }
const { MailService } = sendgridMail as unknown as { MailService: new () => typeof sendgridMail }

export type SendgridMail = Exclude<Parameters<typeof sendgridMail.send>[0], unknown[]>

export interface SendgridAnswer {
  status: number
  /** Lower-case names. */
  headers: Record<string, string | undefined>
  /** Parsed if it was JSON, else text. */
  body: unknown
}

export type SendgridResult = { kind: 'answered'; answer: SendgridAnswer } | { kind: 'unanswered'; call: UnansweredCall }

export interface SendgridClient {
  /** Never rejects. */
  sendMail(mail: SendgridMail, signal: AbortSignal): Promise<SendgridResult>
  /** Waits for the calls in flight; further ones fail without being written. Idempotent. */
  close(): Promise<void>
}

export function createSendgridClient(settings: SendgridSettings): SendgridClient {
  const agentOptions = { keepAlive: true, maxSockets: maxConnections, timeout: maxIdleMs }
  const agents = { httpAgent: new http.Agent(agentOptions), httpsAgent: new https.Agent(agentOptions) }
  const inFlight = new Set<Promise<SendgridResult>>()
  let closed = false

  function serviceFor(call: { signal: AbortSignal; transport: Transport }): typeof sendgridMail {
    const client = new Client()
    client.setApiKey(settings.apiKey)
    // After setApiKey, which sets the base URL itself. What is not in the SDK's type goes to axios as it is.
    client.setDefaultRequest({
      ...agents,
      url: '',
      baseUrl: new URL(settings.endpoint).href,
      signal: call.signal,
      transport: call.transport,
      validateStatus: () => true,
      // Else the environment's HTTP_PROXY would redirect calls; settings alone say where they go.
      proxy: false,
      maxContentLength: maxAnswerBytes,
    } as Parameters<typeof client.setDefaultRequest>[0])
    const service = new MailService()
    service.setClient(client)
    return service
  }

  async function call(mail: SendgridMail, signal: AbortSignal): Promise<SendgridResult> {
    const progress = { written: false }
    try {
      const [{ statusCode, headers, body }] = await serviceFor({ signal, transport: notingWrites(progress) }).send(mail)
      return { kind: 'answered', answer: { status: statusCode, headers, body } }
    } catch {
      return { kind: 'unanswered', call: { written: progress.written, timedOut: signal.aborted } }
    }
  }

  async function sendMail(mail: SendgridMail, signal: AbortSignal): Promise<SendgridResult> {
    if (closed) return { kind: 'unanswered', call: { written: false, timedOut: false } }
    const calling = call(mail, signal)
    inFlight.add(calling)
    try {
      return await calling
    } finally {
      inFlight.delete(calling)
    }
  }

  async function close(): Promise<void> {
    closed = true
    await Promise.all(inFlight)
    agents.httpAgent.destroy()
    agents.httpsAgent.destroy()
  }

  return { sendMail, close }
}

interface Transport {
  request(options: http.RequestOptions, onResponse: (response: http.IncomingMessage) => void): http.ClientRequest
}

/**
 * Node's own HTTP in place of axios's choice, so no redirect is followed: a repeated POST could send twice.
 *
 * Notes when the request has a connection that takes bytes. Errs towards "written": a TLS connection that is handed
 * over in its handshake counts, though nothing of the request is on it yet.
 */
function notingWrites(progress: { written: boolean }): Transport {
  return {
    request(options, onResponse) {
      const secure = options.protocol === 'https:'
      const request = (secure ? https : http).request(options, onResponse)
      const noteWritten = (): void => {
        progress.written = true
      }
      request.once('socket', (socket) => {
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', noteWritten)
        else noteWritten()
      })
      return request
    },
  }
}
