/**
 * From the request to the provider, and what lies beneath.
 */
import type { Dashboard } from './dashboard.ts'
import { lag, latency, over, perSecond, quantile } from './queries.ts'
import { secondsToDrain } from './seconds-to-drain.ts'

export const pipeline: Dashboard = {
  name: 'pipeline',
  title: 'Fanfare: pipeline',
  description: 'From the request to the provider: what comes in, what is decided, what waits, what goes wrong.',
  variables: [],
  rows: [
    {
      title: 'Through it',
      panels: [
        {
          title: 'Requests a second',
          unit: 'reqps',
          queries: [
            perSecond('fanfare_consumer_consumed_records_total', 'topic', '{group=~".*fanfare[.]router[.].*"}'),
          ],
        },
        {
          title: 'Statuses a second',
          unit: 'reqps',
          description: 'Every decision and every step, repeats included.',
          queries: [perSecond('fanfare_statuses_total', 'status')],
        },
        {
          title: 'From the request to the provider',
          unit: 's',
          description: 'Without what a notification waited for on purpose.',
          queries: [quantile(0.5, latency, 'lane'), quantile(0.99, latency, 'lane')],
        },
        {
          title: 'Calls of providers a second',
          unit: 'reqps',
          queries: [perSecond('fanfare_provider_calls_total', 'channel, outcome')],
        },
      ],
    },
    {
      title: 'Behind',
      panels: [
        {
          title: 'Lag',
          unit: 'short',
          description: 'The retry groups wait on purpose.',
          queries: [over('sum', lag, 'group')],
        },
        secondsToDrain,
        {
          title: 'Age of the oldest record',
          unit: 's',
          emptyBecause: 'where nothing is being worked on',
          queries: [
            {
              expr: 'time() - min by (group) (fanfare_consumer_oldest_unprocessed_timestamp_seconds{group!~".*[.]retry[.].*"})',
              legend: '{{group}}',
            },
          ],
        },
        {
          title: 'Work that waited for a dependency, a second',
          unit: 'ops',
          emptyBecause: 'while Kafka, the registry, Postgres and Redis answer',
          queries: [perSecond('fanfare_consumer_faults_total', 'dependency')],
        },
      ],
    },
    {
      title: 'Waiting',
      panels: [
        {
          title: 'Deferrals a second',
          unit: 'ops',
          queries: [perSecond('fanfare_deferrals_total', 'reason')],
        },
        {
          title: 'Resumptions a second',
          unit: 'ops',
          queries: [perSecond('fanfare_resumptions_total', 'lane')],
        },
        {
          title: 'How late what waited came back',
          unit: 's',
          queries: [quantile(0.99, 'fanfare_resumption_lateness_seconds', 'lane')],
        },
        {
          title: 'Onto the retry ladder, a second',
          unit: 'ops',
          queries: [perSecond('fanfare_retries_total', 'lane, rung')],
        },
      ],
    },
    {
      title: 'Not sent',
      panels: [
        {
          title: 'Refused, suppressed, failed, expired, a second',
          unit: 'ops',
          queries: [
            perSecond(
              'fanfare_statuses_total',
              'status, reason',
              '{status=~"failed|suppressed|expired|unknown|duplicate"}',
            ),
          ],
        },
        {
          title: 'Dead letters a second',
          unit: 'ops',
          queries: [perSecond('fanfare_dead_letters_total', 'topic, reason')],
        },
      ],
    },
    {
      title: 'Beneath it',
      panels: [
        {
          title: 'Profiles found in the cache',
          unit: 'percentunit',
          queries: [
            {
              expr: 'sum(rate(fanfare_profile_cache_reads_total{result="hit"}[$__rate_interval])) / sum(rate(fanfare_profile_cache_reads_total[$__rate_interval]))',
              legend: 'hits',
            },
          ],
        },
        {
          title: 'Redis that did not answer, a second',
          unit: 'ops',
          emptyBecause: 'while it answers',
          queries: [
            perSecond('fanfare_profile_cache_failures_total', 'operation'),
            perSecond('fanfare_cap_failures_total', 'operation'),
          ],
        },
        {
          title: 'Connections to Postgres',
          unit: 'short',
          queries: [over('sum', 'fanfare_postgres_connections', 'pool, state')],
        },
        {
          title: 'Statements that wait for a connection',
          unit: 'short',
          queries: [over('sum', 'fanfare_postgres_waiting_statements', 'pool')],
        },
        {
          title: 'Days until the partitions run out',
          unit: 'short',
          threshold: 3,
          queries: [{ expr: '(max(fanfare_day_partitions_until_timestamp_seconds) - time()) / 86400', legend: 'days' }],
        },
        {
          title: 'Stuck deliveries',
          unit: 'short',
          queries: [{ expr: 'max(fanfare_stuck_deliveries)', legend: 'deliveries' }],
        },
      ],
    },
  ],
}
