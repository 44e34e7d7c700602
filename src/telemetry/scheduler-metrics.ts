/**
 * What only the scheduler counts.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface SchedulerMetrics {
  resumptions: Counter<'lane'>
  lateness: Histogram<'lane'>
  failures: Counter<'lane'>
  lastLookTimestamp: Gauge<'lane'>
}

/** Registers the metrics; once per registry. */
export function createSchedulerMetrics(registry: Registry): SchedulerMetrics {
  const registers = [registry]
  return {
    resumptions: new Counter({
      name: 'fanfare_resumptions_total',
      help: 'Waiting notifications that were published again when their time had come.',
      labelNames: ['lane'],
      registers,
    }),
    lateness: new Histogram({
      name: 'fanfare_resumption_lateness_seconds',
      help: 'How late the latest of each batch was, by the clock of Postgres.',
      labelNames: ['lane'],
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
      registers,
    }),
    lastLookTimestamp: new Gauge({
      name: 'fanfare_scheduler_last_look_timestamp_seconds',
      help: 'Unix time of the last look for what is due that ended well.',
      labelNames: ['lane'],
      registers,
    }),
    failures: new Counter({
      name: 'fanfare_scheduler_failures_total',
      help: 'Looks for what is due that failed for lack of a dependency.',
      labelNames: ['lane'],
      registers,
    }),
  }
}
