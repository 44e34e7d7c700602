/**
 * What the simulated providers reported, event by event, and what became of it: the other half of the ground truth. An
 * event is here before it is sent.
 */
import type { ReportingProvider } from './webhook-rules.ts'

export interface WebhookEntry {
  /** 1 for the first event, without gaps over all providers. */
  sequence: number
  provider: ReportingProvider
  /** The provider's own word: `delivered`, `undelivered`, `spamreport`; `inbound` for a text to us. */
  event: string
  /** The provider's own id of the event. */
  eventId: string
  deliveryId: string | null
  address: string
  providerMessageId: string
  /** When it happened at the provider. */
  occurredAtMs: number
  /** How often it was sent, copies and repetitions. */
  sent: number
  /** When it was answered with 2xx first; null until then. */
  takenAtMs: number | null
  /** The last HTTP status; null for no answer. */
  status: number | null
}

export interface WebhookSummary {
  total: number
  /** Not yet answered for good: to be sent, under way, or to be repeated. */
  pending: number
  taken: number
  /** Given up. */
  lost: number
}

export interface WebhookLedger {
  /** @throws if it is full. */
  note(event: Omit<WebhookEntry, 'sequence' | 'sent' | 'takenAtMs' | 'status'>): WebhookEntry
  /** In order, up to the last one when the iteration begins; only those after the sequence number. */
  entries(since?: number): Generator<WebhookEntry>
}

const maxEntries = 2_000_000

export function createWebhookLedger(): WebhookLedger {
  const all: WebhookEntry[] = []
  return {
    note: (event) => {
      if (all.length >= maxEntries)
        throw new Error(`The ledger of webhooks is full (${maxEntries}): restart the simulator.`)
      const entry = { sequence: all.length + 1, ...event, sent: 0, takenAtMs: null, status: null }
      all.push(entry)
      return entry
    },
    *entries(since = 0) {
      yield* all.slice(since)
    },
  }
}
