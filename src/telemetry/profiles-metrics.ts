/**
 * What only the profiles role counts.
 */
import { Counter, type Registry } from 'prom-client'

export interface ProfilesMetrics {
  /** outcome: written | stale | erased */
  changes: Counter<'outcome'>
}

/** Registers the metrics; once per registry. */
export function createProfilesMetrics(registry: Registry): ProfilesMetrics {
  return {
    changes: new Counter({
      name: 'fanfare_profile_changes_total',
      help: 'Records of users.changed by what came of them; stale ones were of no higher version.',
      labelNames: ['outcome'],
      registers: [registry],
    }),
  }
}
