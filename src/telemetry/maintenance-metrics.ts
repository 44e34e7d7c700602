/**
 * What the rounds of maintenance find. Gauges of the latest round of this process; before its first they are absent, for
 * a 0 would be read as the worst.
 */
import { Counter, type Registry } from 'prom-client'
import { observedGauge } from './observed-gauge.ts'

export interface MaintenanceRound {
  /** The end of the last day that has its partitions without a gap, Unix ms. */
  partitionsUntilMs: number
  /** Deliveries that nothing moves, as many as a round looks for. */
  stuck: number
  /** Deliveries that it settled as expired. */
  expired: number
}

export interface MaintenanceMetrics {
  maintained(round: MaintenanceRound): void
}

/** Registers the metrics; once per registry. */
export function createMaintenanceMetrics(registry: Registry): MaintenanceMetrics {
  let latest: MaintenanceRound | undefined
  const gauge = (name: string, help: string, valueOf: (round: MaintenanceRound) => number) =>
    observedGauge(registry, {
      name,
      help,
      labelNames: [],
      read: () => (latest === undefined ? [] : [[{}, valueOf(latest)]]),
    })
  gauge(
    'fanfare_day_partitions_until_timestamp_seconds',
    'Unix time until which events have their day’s partitions.',
    ({ partitionsUntilMs }) => partitionsUntilMs / 1_000,
  )
  gauge('fanfare_stuck_deliveries', 'Deliveries that nothing has moved for an hour, 100 at most.', ({ stuck }) => stuck)
  const swept = new Counter({
    name: 'fanfare_swept_deliveries_total',
    help: 'Deliveries that were settled as expired an hour after their time, since no sender had come to it.',
    registers: [registry],
  })
  return {
    maintained: (round) => {
      latest = round
      swept.inc(round.expired)
    },
  }
}
