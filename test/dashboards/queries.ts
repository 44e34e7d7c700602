/**
 * The shapes of query that the dashboards are made of, and the metrics that several ask for.
 */
import type { Query } from './dashboard.ts'

export const latency = 'fanfare_end_to_end_latency_seconds'
export const callDuration = 'fanfare_provider_call_duration_seconds'
export const lag = 'fanfare_consumer_lag_messages'

/** `{a="b"}`, or nothing. */
type Matchers = string

/** Events a second, summed by labels. */
export function perSecond(counter: string, by: string, matchers: Matchers = ''): Query {
  return { expr: `sum by (${by}) (rate(${counter}${matchers}[$__rate_interval]))`, legend: legendOf(by) }
}

/** A quantile of a histogram, by labels. */
export function quantile(share: number, histogram: string, by: string, matchers: Matchers = ''): Query {
  const buckets = `sum by (${by}, le) (rate(${histogram}_bucket${matchers}[$__rate_interval]))`
  return { expr: `histogram_quantile(${share}, ${buckets})`, legend: `p${share * 100} ${legendOf(by)}` }
}

/** A gauge over all processes. */
export function over(aggregate: 'sum' | 'max' | 'min', gauge: string, by: string, matchers: Matchers = ''): Query {
  return { expr: `${aggregate} by (${by}) (${gauge}${matchers})`, legend: legendOf(by) }
}

function legendOf(by: string): string {
  return by
    .split(', ')
    .map((label) => `{{${label}}}`)
    .join(' ')
}
