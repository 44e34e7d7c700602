/**
 * The objective: how much of its allowance is gone, and how fast it goes.
 */
import { latencyObjectives } from '../../src/telemetry/delivery-metrics.ts'
import type { Dashboard } from './dashboard.ts'
import { latency, quantile } from './queries.ts'

/** Of what the rules of monitoring/rules/ record, so that a month is as quick to ask as an hour. */
const lateOf = (window: string) =>
  `avg_over_time(fanfare:late_deliveries:rate5m[${window}]) / avg_over_time(fanfare:accepted_deliveries:rate5m[${window}])`

const { transactional, bulk } = latencyObjectives
const allowed = Math.round((1 - transactional.ratio) * 1e6) / 1e6

export const slo: Dashboard = {
  name: 'slo',
  title: 'Fanfare: the objective',
  description: `${transactional.ratio * 100} % of the deliveries that a provider accepts are accepted within ${transactional.seconds} s (transactional) and ${bulk.seconds} s (bulk) of their time. Needs the recording rules of monitoring/rules/.`,
  variables: [],
  rows: [
    {
      title: 'The objective',
      panels: [
        {
          title: 'Late, of all that was accepted in the time shown',
          unit: 'percentunit',
          threshold: allowed,
          queries: [{ expr: lateOf('$__range'), legend: '{{lane}}' }],
        },
        {
          title: 'How fast the allowance burns',
          unit: 'short',
          description: '1 lasts the 30 days; above 14.4 within the hour somebody is woken.',
          threshold: 1,
          queries: ['1h', '6h', '1d', '3d'].map((window) => ({
            expr: `${lateOf(window)} / ${allowed.toFixed(2)}`,
            legend: `{{lane}}, ${window}`,
          })),
        },
        {
          title: 'Late deliveries a second',
          unit: 'ops',
          queries: [{ expr: 'fanfare:late_deliveries:rate5m', legend: '{{lane}}' }],
        },
        {
          title: 'Accepted deliveries a second',
          unit: 'ops',
          queries: [{ expr: 'fanfare:accepted_deliveries:rate5m', legend: '{{lane}}' }],
        },
      ],
    },
    {
      title: 'By channel',
      panels: (['transactional', 'bulk'] as const).map((lane) => ({
        title: `99 of 100 deliveries, ${lane}`,
        unit: 's',
        threshold: latencyObjectives[lane].seconds,
        queries: [quantile(0.99, latency, 'channel', `{lane="${lane}"}`)],
      })),
    },
  ],
}
