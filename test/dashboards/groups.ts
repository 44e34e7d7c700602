/**
 * One consumer group or all: how far behind, how fast, who its members are, and how they feel.
 */
import type { Dashboard } from './dashboard.ts'
import { lag, over, perSecond } from './queries.ts'
import { secondsToDrain } from './seconds-to-drain.ts'

const ofGroup = '{group=~"$group"}'

export const groups: Dashboard = {
  name: 'groups',
  title: 'Fanfare: consumer groups',
  description: 'One group or all: how far behind, how fast, who its members are, and how they feel.',
  variables: [{ name: 'group', label: 'Group', values: 'label_values(fanfare_consumer_assigned_partitions, group)' }],
  rows: [
    {
      title: 'Behind',
      panels: [
        { title: 'Lag', unit: 'short', queries: [over('sum', lag, 'group, topic', ofGroup)] },
        {
          ...secondsToDrain,
          queries: [over('max', 'fanfare_consumer_seconds_to_drain', 'group, instance', ofGroup)],
        },
        {
          title: 'Records fetched, a second',
          unit: 'ops',
          queries: [perSecond('fanfare_consumer_consumed_records_total', 'group', ofGroup)],
        },
        {
          title: 'Records committed, a second',
          unit: 'ops',
          description: 'The rate at which the group drains.',
          queries: [perSecond('fanfare_consumer_committed_records_total', 'group', ofGroup)],
        },
      ],
    },
    {
      title: 'In hand',
      panels: [
        {
          title: 'Records queued',
          unit: 'short',
          queries: [over('sum', 'fanfare_consumer_queued_records', 'group, instance', ofGroup)],
        },
        {
          title: 'Records in flight',
          unit: 'short',
          queries: [over('sum', 'fanfare_consumer_in_flight_records', 'group, instance', ofGroup)],
        },
        {
          title: 'Partitions held back',
          unit: 'short',
          description: 'queue: enough is queued. fault: a dependency is away. not_due: the ladder waits.',
          queries: [over('sum', 'fanfare_consumer_paused_partitions', 'group, reason', ofGroup)],
        },
        {
          title: 'Positions outside the log, a second',
          unit: 'ops',
          emptyBecause: 'as long as no record is deleted before it is read',
          queries: [perSecond('fanfare_consumer_offset_resets_total', 'group, topic', ofGroup)],
        },
      ],
    },
    {
      title: 'Members',
      panels: [
        {
          title: 'Partitions owned',
          unit: 'short',
          queries: [over('sum', 'fanfare_consumer_assigned_partitions', 'group, instance', ofGroup)],
        },
        {
          title: 'Joins within five minutes',
          unit: 'short',
          queries: [
            {
              expr: 'sum by (group) (increase(fanfare_consumer_rebalances_total{group=~"$group"}[5m]))',
              legend: '{{group}}',
            },
          ],
        },
        {
          title: 'Event loop held up',
          unit: 's',
          description: 'A process that is held up for long misses its heartbeats.',
          queries: [{ expr: 'max by (instance) (fanfare_nodejs_eventloop_lag_p99_seconds)', legend: '{{instance}}' }],
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: [{ expr: 'sum by (instance) (fanfare_process_resident_memory_bytes)', legend: '{{instance}}' }],
        },
      ],
    },
  ],
}
