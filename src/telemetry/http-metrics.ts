/**
 * What the doors count: every request by its route as it was declared. A refusal is an answer like any other; its kind
 * is its status.
 */
import { Counter, Histogram, type Registry } from 'prom-client'

export interface HttpMetrics {
  requests: Counter<'route' | 'method' | 'status'>
  duration: Histogram<'route' | 'method'>
}

const durationBucketsSeconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Registers the metrics; once per registry, for all doors of the process. */
export function createHttpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'fanfare_http_requests_total',
      help: 'Requests answered, by declared route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'fanfare_http_request_duration_seconds',
      help: 'From a request to the end of its answer.',
      labelNames: ['route', 'method'],
      buckets: durationBucketsSeconds,
      registers,
    }),
  }
}
