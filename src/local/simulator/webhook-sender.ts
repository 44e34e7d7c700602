/**
 * How the simulated providers' webhooks go out: a few at a time, repeated until they are taken, refused for good or too
 * old; and SendGrid's in batches.
 */
import type { WebhookEntry } from './webhook-ledger.ts'

/** One request as it goes out; `url` is the public one, that the signature is over. */
export interface WebhookCall {
  url: string
  headers: Record<string, string>
  body: string
}

export interface WebhookSender {
  /**
   * Notes in the entries how often they were sent, with what status, and when they were taken.
   * @param callOf makes the request of each attempt anew.
   * @param target origin of the edge.
   */
  send(entries: readonly WebhookEntry[], callOf: () => WebhookCall, target: string): Promise<void>
}

export interface WebhookSenderOptions {
  /** Unix ms. */
  now(): number
  pause(ms: number): Promise<void>
  stopping: AbortSignal
}

/** How long a request that is not taken is repeated. */
const repeatForMs = 120_000
const firstPauseMs = 100
const longestPauseMs = 1_000
const answerTimeoutMs = 15_000
/** Requests under way at once. */
const callsMax = 50

export function createWebhookSender({ now, pause, stopping }: WebhookSenderOptions): WebhookSender {
  const gate = createGate(callsMax)

  async function send(entries: readonly WebhookEntry[], callOf: () => WebhookCall, target: string): Promise<void> {
    const deadlineMs = performance.now() + repeatForMs
    for (let pauseMs = firstPauseMs; !stopping.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const status = await gate(() => post(callOf(), target))
      for (const entry of entries) {
        entry.sent += 1
        entry.status = status
        if (status !== null && status < 300) entry.takenAtMs ??= now()
      }
      const isFinal = status !== null && status < 500 && status !== 429
      if (isFinal || performance.now() > deadlineMs) return
      await pause(pauseMs)
    }
  }

  /** @returns the status; null without an answer. */
  async function post({ url, headers, body }: WebhookCall, target: string): Promise<number | null> {
    const { pathname, search } = new URL(url)
    try {
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(answerTimeoutMs)])
      const answer = await fetch(`${target}${pathname}${search}`, { method: 'POST', headers, body, signal })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return null
    }
  }

  return { send }
}

/** At most so many at once; the others wait in line. */
function createGate(max: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}

/** What goes into one request with others. */
export interface Gathered<Event> {
  entry: WebhookEntry
  event: Event
}

/**
 * Puts together what comes within a moment.
 * @param post deals with one batch.
 * @returns adds an event; resolves when its batch has been dealt with.
 */
export function gathering<Event>(options: {
  batchMax: number
  moment(): Promise<void>
  post(batch: readonly Gathered<Event>[]): Promise<void>
}): (event: Gathered<Event>) => Promise<void> {
  const { batchMax, moment, post } = options
  let waiting: Gathered<Event>[] = []
  let posted: Promise<void> | undefined

  async function postGathered(): Promise<void> {
    await moment()
    const gathered = waiting
    waiting = []
    posted = undefined
    const batches = Array.from({ length: Math.ceil(gathered.length / batchMax) }, (_, part) =>
      gathered.slice(part * batchMax, (part + 1) * batchMax),
    )
    await Promise.all(batches.map((batch) => post(batch)))
  }

  return (event) => {
    waiting.push(event)
    return (posted ??= postGathered())
  }
}
