/**
 * What the canary measures.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { latencyBuckets } from './delivery-metrics.ts'

export interface CanaryMetrics {
  /** Unix seconds at which the newest that arrived was sent out. */
  lastArrivalTimestamp: Gauge<'lane' | 'channel'>
  latency: Histogram<'lane' | 'channel'>
  /** outcome: `arrived` or `missing` */
  deliveries: Counter<'lane' | 'channel' | 'outcome'>
}

/** Registers the metrics; once per registry. */
export function createCanaryMetrics(registry: Registry): CanaryMetrics {
  const registers = [registry]
  return {
    lastArrivalTimestamp: new Gauge({
      name: 'fanfare_canary_last_arrival_timestamp_seconds',
      help: 'Unix time at which the newest canary that arrived was sent out; at first, when this process began.',
      labelNames: ['lane', 'channel'],
      registers,
    }),
    latency: new Histogram({
      name: 'fanfare_canary_latency_seconds',
      help: 'From sending a canary out to its acceptance.',
      labelNames: ['lane', 'channel'],
      buckets: latencyBuckets,
      registers,
    }),
    deliveries: new Counter({
      name: 'fanfare_canary_deliveries_total',
      help: 'Canaries by whether they arrived before their time was over.',
      labelNames: ['lane', 'channel', 'outcome'],
      registers,
    }),
  }
}
