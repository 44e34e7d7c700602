/**
 * What everybody counts who writes or reads the cache of profiles.
 */
import { Counter, type Registry } from 'prom-client'

export interface ProfileCacheMetrics {
  /** operation: read | store | forget; Redis was away or slow. */
  failures: Counter<'operation'>
}

/** Registers the metrics; once per registry. */
export function createProfileCacheMetrics(registry: Registry): ProfileCacheMetrics {
  return {
    failures: new Counter({
      name: 'fanfare_profile_cache_failures_total',
      help: 'Calls of the cache that failed; everything went on without.',
      labelNames: ['operation'],
      registers: [registry],
    }),
  }
}
