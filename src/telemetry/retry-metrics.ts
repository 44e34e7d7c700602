/**
 * What only the retry role counts.
 */
import { Counter, Histogram, type Registry } from 'prom-client'

export interface RetryMetrics {
  /** rung: 10s | 1m | 10m | 1h */
  forwarded: Counter<'lane' | 'rung'>
  /** How late the latest record of a chunk was. */
  lateness: Histogram<'lane' | 'rung'>
}

/** Seconds; a rung's jitter is a tenth of its delay. */
const latenessBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 360]

/** Registers the metrics; once per registry. */
export function createRetryMetrics(registry: Registry): RetryMetrics {
  const registers = [registry]
  return {
    forwarded: new Counter({
      name: 'fanfare_retry_forwarded_records_total',
      help: 'Records that were due and went back to their channel, or around the last rung.',
      labelNames: ['lane', 'rung'],
      registers,
    }),
    lateness: new Histogram({
      name: 'fanfare_retry_lateness_seconds',
      help: 'How late the latest due record of a chunk was forwarded.',
      labelNames: ['lane', 'rung'],
      buckets: latenessBuckets,
      registers,
    }),
  }
}
