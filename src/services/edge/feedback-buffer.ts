/**
 * What people and apps reported, between the answer that they got at once and Kafka's acknowledgement.
 *
 * Nobody who opens a mail waits for a broker: a report is taken into memory and published with whatever else waits. A
 * broker that is away is waited for; when the buffer is full, reports are dropped and counted, first those that only
 * count something. A crash loses what waits: an opt-out stands in Postgres by then, and only its status is missing.
 */
import { LRUCache } from 'lru-cache'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { FeedbackKind, ProviderFeedback } from '../../domain/provider-feedback.ts'

/** `repeated`: taken a while ago already, and the same event. */
export type FeedbackTaken = 'taken' | 'repeated' | 'dropped'

export interface FeedbackBuffer {
  /** Answers at once. */
  offer(feedback: ProviderFeedback): FeedbackTaken
  /** Reports that wait or are being published. */
  size(): number
  /** Publishes what waits, for as long as the budget allows, and counts the rest as abandoned. Idempotent. */
  close(): Promise<void>
}

export interface FeedbackBufferPorts {
  /** Resolves once all are acknowledged. Throws DependencyUnavailable where the broker is away. */
  publish(feedback: readonly ProviderFeedback[]): Promise<void>
  /** Resolves after the wait, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  observe(observation: FeedbackObservation): void
}

export type FeedbackObservation =
  | { kind: 'feedback'; feedbackKind: FeedbackKind; outcome: FeedbackTaken | 'published' | 'refused' | 'abandoned' }
  | { kind: 'unavailable'; fault: DependencyUnavailable; attempt: number }

export interface FeedbackBufferLimits {
  reportsMax: number
  /** Of these, kept free for what somebody decided: an open or a click more must not cost the status of an opt-out. */
  reservedReports: number
  /** At a stop, how long what waits may still be published. */
  drainBudgetMs: number
}

/** Half a minute without a broker at 1,500 reports a second; some 25 MB. */
export const defaultBufferLimits = { reportsMax: 50_000, reservedReports: 5_000 } as const

const batchMax = 500
/** Mail programs fetch a pixel again and again: an event that was taken lately is not published once more. */
const rememberedMax = 100_000
const firstRetryMs = 100
const longestRetryMs = 5_000

/** What a report of these kinds loses is a count. */
const countedOnly: readonly FeedbackKind[] = ['delivered', 'opened', 'clicked']

export function createFeedbackBuffer(limits: FeedbackBufferLimits, ports: FeedbackBufferPorts): FeedbackBuffer {
  const { reportsMax, reservedReports, drainBudgetMs } = limits
  const remembered = new LRUCache<string, true>({ max: rememberedMax })
  const giveUp = new AbortController()
  let waiting: ProviderFeedback[] = []
  let publishing = 0
  let running: Promise<void> | undefined

  function offer(feedback: ProviderFeedback): FeedbackTaken {
    const outcome = take(feedback)
    ports.observe({ kind: 'feedback', feedbackKind: feedback.kind, outcome })
    return outcome
  }

  function take(feedback: ProviderFeedback): FeedbackTaken {
    if (remembered.get(feedback.feedbackId) === true) return 'repeated'
    const limit = countedOnly.includes(feedback.kind) ? reportsMax - reservedReports : reportsMax
    if (giveUp.signal.aborted || size() >= limit) return 'dropped'
    remembered.set(feedback.feedbackId, true)
    waiting.push(feedback)
    running ??= publishWaiting()
    return 'taken'
  }

  async function publishWaiting(): Promise<void> {
    // The turn lets what comes in this tick go out together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchMax)
      waiting = waiting.slice(batchMax)
      publishing = batch.length
      await publish(batch)
    }
    // In the same step that found nothing waiting: a report that comes a moment later has to begin a new round.
    running = undefined
  }

  async function publish(batch: readonly ProviderFeedback[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      if (giveUp.signal.aborted) return tell(batch, 'abandoned')
      try {
        await ports.publish(batch)
        return tell(batch, 'published')
      } catch (error) {
        if (!(error instanceof DependencyUnavailable)) return publishApart(batch)
        ports.observe({ kind: 'unavailable', fault: error, attempt })
        await ports.sleep(Math.min(longestRetryMs, firstRetryMs * 2 ** (attempt - 1)), giveUp.signal)
      }
    }
  }

  /** The broker refuses one of them: its neighbours must not be lost with it. */
  async function publishApart(batch: readonly ProviderFeedback[]): Promise<void> {
    if (batch.length === 1) return tell(batch, 'refused')
    const middle = Math.ceil(batch.length / 2)
    await publish(batch.slice(0, middle))
    await publish(batch.slice(middle))
  }

  /** They are not under way any more. */
  function tell(batch: readonly ProviderFeedback[], outcome: 'published' | 'refused' | 'abandoned'): void {
    publishing -= batch.length
    for (const { kind } of batch) ports.observe({ kind: 'feedback', feedbackKind: kind, outcome })
  }

  const size = () => waiting.length + publishing

  async function drain(): Promise<void> {
    const budget = new AbortController()
    const overBudget = ports.sleep(drainBudgetMs, budget.signal)
    await Promise.race([Promise.resolve(running), overBudget])
    budget.abort()
    giveUp.abort()
    await overBudget
    // What is under way at the broker may still be stored; nobody waits for the answer.
    for (const { kind } of waiting) ports.observe({ kind: 'feedback', feedbackKind: kind, outcome: 'abandoned' })
    waiting = []
  }

  let closing: Promise<void> | undefined
  return { offer, size, close: () => (closing ??= drain()) }
}
