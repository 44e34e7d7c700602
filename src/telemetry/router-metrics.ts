/**
 * What only the router counts.
 */
import { Counter, type Registry } from 'prom-client'

export interface RouterMetrics {
  /** result: hit | miss */
  profileReads: Counter<'result'>
  /** operation: reserve | release; Redis was away or slow, and nobody counted. */
  capFailures: Counter<'operation'>
  deferrals: Counter<'reason'>
  wrongLanes: Counter
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
    capFailures: new Counter({
      name: 'fanfare_cap_failures_total',
      help: 'Chunks whose caps nobody could count.',
      labelNames: ['operation'],
      registers,
    }),
    deferrals: new Counter({
      name: 'fanfare_deferrals_total',
      help: 'Notifications that were made to wait, by why.',
      labelNames: ['reason'],
      registers,
    }),
    wrongLanes: new Counter({
      name: 'fanfare_requests_wrong_lane_total',
      help: 'Requests on the topic of a lane that is not their category’s.',
      registers,
    }),
    foreignKeys: new Counter({
      name: 'fanfare_requests_foreign_key_total',
      help: 'Requests whose record key is not their user id.',
      registers,
    }),
  }
}
