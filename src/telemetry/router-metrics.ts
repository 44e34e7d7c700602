/**
 * What only the router counts.
 */
import { Counter, type Registry } from 'prom-client'

export interface RouterMetrics {
  /** result: hit | miss */
  profileReads: Counter<'result'>
  /** operation: read | store; Redis was away or slow. */
  cacheFailures: Counter<'operation'>
  foreignKeys: Counter
}

/** Registers the metrics; once per registry. */
export function createRouterMetrics(registry: Registry): RouterMetrics {
  const registers = [registry]
  return {
    profileReads: new Counter({
      name: 'fanfare_profile_cache_reads_total',
      help: 'Profiles asked of the cache.',
      labelNames: ['result'],
      registers,
    }),
    cacheFailures: new Counter({
      name: 'fanfare_profile_cache_failures_total',
      help: 'Calls of the cache that failed; routing went on without.',
      labelNames: ['operation'],
      registers,
    }),
    foreignKeys: new Counter({
      name: 'fanfare_requests_foreign_key_total',
      help: 'Requests whose record key is not their user id.',
      registers,
    }),
  }
}
