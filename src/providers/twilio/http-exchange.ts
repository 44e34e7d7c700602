/**
 * One HTTP request over a pool of connections, that settles when its signal aborts and knows whether it was written.
 *
 * undici's own `request` does neither: until it has a connection it does not react to its signal, and its errors do not
 * say how far it came. Both decide whether a message may be sent again, hence this handler on `dispatch`.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { errors, type Dispatcher } from 'undici'
import type { UnansweredCall } from '../call-deadline.ts'

export interface HttpRequest {
  /** With the query. */
  path: string
  headers: Record<string, string>
  body: string
}

export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export type HttpExchange = { kind: 'answered'; answer: HttpAnswer } | { kind: 'unanswered'; call: UnansweredCall }

/** POSTs once, never twice and never after the signal has aborted. Never rejects. */
export function post(dispatcher: Dispatcher, request: HttpRequest, signal: AbortSignal): Promise<HttpExchange> {
  if (signal.aborted) return Promise.resolve({ kind: 'unanswered', call: { written: false, timedOut: true } })
  return new Promise((resolve) => {
    const handler = new ExchangeHandler((exchange) => {
      signal.removeEventListener('abort', abort)
      resolve(exchange)
    })
    const abort = (): void => handler.abort()
    signal.addEventListener('abort', abort, { once: true })
    dispatcher.dispatch({ ...request, method: 'POST' }, handler)
  })
}

/** States: waiting for a connection → written → answering → settled; each can go to settled. */
class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #settle: (exchange: HttpExchange) => void
  #controller: Dispatcher.DispatchController | undefined
  #aborted = false
  #start: { status: number; headers: IncomingHttpHeaders } | undefined
  readonly #chunks: Buffer[] = []

  constructor(settle: (exchange: HttpExchange) => void) {
    this.#settle = settle
  }

  abort(): void {
    this.#aborted = true
    this.#end({ timedOut: true })
    this.#controller?.abort(new errors.RequestAbortedError())
  }

  /** Called with a connection at hand, immediately before the first byte is written; an abort in it prevents that. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted) controller.abort(new errors.RequestAbortedError())
    else this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 1xx are not the answer.
    if (status >= 200) this.#start = { status, headers }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#start === undefined) return this.#end({ timedOut: false })
    this.#settle({ kind: 'answered', answer: { ...this.#start, body: Buffer.concat(this.#chunks).toString('utf8') } })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ timedOut: error instanceof errors.ConnectTimeoutError })
  }

  /** The status of a refusal is answer enough without its body; of an acceptance the body is missing. */
  #end({ timedOut }: { timedOut: boolean }): void {
    if (this.#start !== undefined && this.#start.status >= 300) {
      return this.#settle({ kind: 'answered', answer: { ...this.#start, body: '' } })
    }
    this.#settle({ kind: 'unanswered', call: { written: this.#controller !== undefined, timedOut } })
  }
}
