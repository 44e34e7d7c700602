/**
 * What the feedback role counts: reports, and what they cost an address.
 */
import { Counter, type Registry } from 'prom-client'

export interface FeedbackMetrics {
  /** kind: a `FeedbackKind`; about: `delivery`, `orphan` or `address`. */
  reports: Counter<'kind' | 'about'>
  /** cause: a `SuppressionCause`; soft bounces that became too many are counted by the database alone. */
  suppressions: Counter<'channel' | 'cause'>
  invalidatedDevices: Counter
}

/** Registers the metrics; once per registry. */
export function createFeedbackMetrics(registry: Registry): FeedbackMetrics {
  const registers = [registry]
  return {
    reports: new Counter({
      name: 'fanfare_feedback_total',
      help: 'Reports of providers and people, by whether they are about a delivery, one that nobody knows, or an address.',
      labelNames: ['kind', 'about'],
      registers,
    }),
    suppressions: new Counter({
      name: 'fanfare_suppressions_total',
      help: 'Reports for which an address was put on the suppression list, or was on it already.',
      labelNames: ['channel', 'cause'],
      registers,
    }),
    invalidatedDevices: new Counter({
      name: 'fanfare_invalidated_devices_total',
      help: 'Devices whose token a provider called dead.',
      registers,
    }),
  }
}
