/**
 * What the edge counts of webhooks: requests by what came of them, and the events in those that were believed.
 */
import { Counter, type Registry } from 'prom-client'

export interface WebhookMetrics {
  /** result: `taken`, `empty`, `repeated`, `unavailable`, or a `WebhookRefusal`. */
  webhooks: Counter<'provider' | 'result'>
  /** outcome: `published`, `ignored` or `unknown`. */
  events: Counter<'provider' | 'outcome'>
  receiptFailures: Counter
}

/** Registers the metrics; once per registry. */
export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry]
  return {
    webhooks: new Counter({
      name: 'fanfare_webhooks_total',
      help: 'Webhooks of providers, by whether they were taken, repeated, empty or refused and why.',
      labelNames: ['provider', 'result'],
      registers,
    }),
    events: new Counter({
      name: 'fanfare_webhook_events_total',
      help: 'Events in webhooks that were taken: published, without meaning for a delivery, or of an unknown word.',
      labelNames: ['provider', 'outcome'],
      registers,
    }),
    receiptFailures: new Counter({
      name: 'fanfare_webhook_receipt_failures_total',
      help: 'Webhooks that were taken without a look at the receipts, or without leaving one: the database was away.',
      registers,
    }),
  }
}
