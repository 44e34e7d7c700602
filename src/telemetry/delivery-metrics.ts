/**
 * What becomes of notifications and deliveries: decisions, claims, provider calls, and how long it all took.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Lane } from '../domain/channel.ts'

export interface DeliveryMetrics {
  /** status: a `Status`; reason: a `StatusReason`, or empty where the status needs none. */
  statuses: Counter<'status' | 'reason'>
  /** action: a `ClaimAction`. */
  claims: Counter<'channel' | 'action'>
  /** outcome: an `OutcomeKind`; reason: a `ProviderReason`, or empty for accepted. */
  providerCalls: Counter<'channel' | 'provider' | 'outcome' | 'reason'>
  providerCallDuration: Histogram<'channel' | 'provider'>
  /** rung: 10s | 1m | 10m | 1h */
  retries: Counter<'channel' | 'lane' | 'rung'>
  /** From the moment at which its time had come to the provider's acceptance. */
  endToEndLatency: Histogram<'lane' | 'channel'>
  /** reason: a `ProviderReason`. Once for each window in which it came too often. */
  repeatedFailures: Counter<'channel' | 'reason'>
  /** outcome: `published` or `failed`. Notifications of repeated failures for the user on call. */
  failureAlerts: Counter<'channel' | 'outcome'>
  /** 1 while an operator has paused it; absent until a sender has asked. */
  channelPaused: Gauge<'channel' | 'lane'>
  /** Calls that this process may have under way at once. */
  concurrency: Gauge<'channel' | 'lane'>
}

/** Seconds. Providers answer within tens of milliseconds on a good day and are cut off by their time-out. */
const callBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30]

/**
 * The objective: of what providers accept, `ratio` is accepted within so many seconds of its time. A share of nothing
 * cannot be asked of the deliveries that are never accepted: those show as lag, failures and dead letters.
 */
export const latencyObjectives: Record<Lane, { seconds: number; ratio: number }> = {
  transactional: { seconds: 30, ratio: 0.99 },
  bulk: { seconds: 900, ratio: 0.99 },
}

/**
 * Seconds. From the few milliseconds of an idle pipeline over the rungs of the retry ladder to an hour of outage; both
 * objectives are bounds of a bucket, for only there a share can be told exactly.
 */
export const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]

/** Registers the metrics; once per registry. */
export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const registers = [registry]
  return {
    statuses: new Counter({
      name: 'fanfare_statuses_total',
      help: 'Records published on the status topic.',
      labelNames: ['status', 'reason'],
      registers,
    }),
    claims: new Counter({
      name: 'fanfare_claims_total',
      help: 'Answers to claims of deliveries, by what is to be done.',
      labelNames: ['channel', 'action'],
      registers,
    }),
    providerCalls: new Counter({
      name: 'fanfare_provider_calls_total',
      help: 'Messages handed to a provider, by what came of it.',
      labelNames: ['channel', 'provider', 'outcome', 'reason'],
      registers,
    }),
    providerCallDuration: new Histogram({
      name: 'fanfare_provider_call_duration_seconds',
      help: 'Duration of one call of a provider.',
      labelNames: ['channel', 'provider'],
      buckets: callBuckets,
      registers,
    }),
    retries: new Counter({
      name: 'fanfare_retries_total',
      help: 'Deliveries that a sender put on a rung of the ladder, to be tried again or looked at again.',
      labelNames: ['channel', 'lane', 'rung'],
      registers,
    }),
    endToEndLatency: new Histogram({
      name: 'fanfare_end_to_end_latency_seconds',
      help: 'From the creation of the request, or the end of what it waited for on purpose, to the acceptance by the provider.',
      labelNames: ['lane', 'channel'],
      buckets: latencyBuckets,
      registers,
    }),
    repeatedFailures: new Counter({
      name: 'fanfare_repeated_failures_total',
      help: 'Minutes in which one sender met the same failure more than 50 times.',
      labelNames: ['channel', 'reason'],
      registers,
    }),
    failureAlerts: new Counter({
      name: 'fanfare_failure_alerts_total',
      help: 'Notifications of a repeated failure that the user on call was to get, by whether they were published.',
      labelNames: ['channel', 'outcome'],
      registers,
    }),
    channelPaused: new Gauge({
      name: 'fanfare_channel_paused',
      help: '1 while an operator has paused the channel, else 0.',
      labelNames: ['channel', 'lane'],
      registers,
    }),
    concurrency: new Gauge({
      name: 'fanfare_sender_concurrency',
      help: 'Calls that this sender may have under way at once: as configured, or as an operator has said.',
      labelNames: ['channel', 'lane'],
      registers,
    }),
  }
}
