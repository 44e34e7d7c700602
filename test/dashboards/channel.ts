/**
 * One channel: its senders, its deliveries, its tries.
 */
import type { Dashboard } from './dashboard.ts'
import { callDuration, lag, latency, over, perSecond, quantile } from './queries.ts'

const ofChannel = '{channel=~"$channel"}'

export const channel: Dashboard = {
  name: 'channel',
  title: 'Fanfare: channel',
  description: 'One channel: its senders, its deliveries, its tries.',
  variables: [{ name: 'channel', label: 'Channel', values: 'label_values(fanfare_claims_total, channel)' }],
  rows: [
    {
      title: 'Deliveries',
      panels: [
        {
          title: 'Calls a second',
          unit: 'reqps',
          queries: [perSecond('fanfare_provider_calls_total', 'channel, outcome', ofChannel)],
        },
        {
          title: 'From the request to the provider',
          unit: 's',
          queries: [
            quantile(0.5, latency, 'channel, lane', ofChannel),
            quantile(0.99, latency, 'channel, lane', ofChannel),
          ],
        },
        {
          title: 'Duration of a call',
          unit: 's',
          queries: [
            quantile(0.5, callDuration, 'channel', ofChannel),
            quantile(0.99, callDuration, 'channel', ofChannel),
          ],
        },
        {
          title: 'Why calls came to nothing, a second',
          unit: 'ops',
          queries: [
            perSecond('fanfare_provider_calls_total', 'channel, reason', '{channel=~"$channel",outcome!="accepted"}'),
          ],
        },
      ],
    },
    {
      title: 'Senders',
      panels: [
        {
          title: 'Lag',
          unit: 'short',
          queries: [over('sum', lag, 'group', '{group=~".*[.]sender[.]($channel)[.].*"}')],
        },
        {
          title: 'Calls under way and records queued',
          unit: 'short',
          queries: [
            over('sum', 'fanfare_consumer_in_flight_records', 'group', '{group=~".*[.]sender[.]($channel)[.].*"}'),
            over('sum', 'fanfare_consumer_queued_records', 'group', '{group=~".*[.]sender[.]($channel)[.].*"}'),
          ],
        },
        {
          title: 'What claims answered, a second',
          unit: 'ops',
          description: 'claim: it was sent. Anything else: its row said that it is not to be, or not now.',
          queries: [perSecond('fanfare_claims_total', 'channel, action', ofChannel)],
        },
        {
          title: 'Onto the retry ladder, a second',
          unit: 'ops',
          emptyBecause: 'while every delivery of the channel is taken or refused for good',
          queries: [perSecond('fanfare_retries_total', 'channel, rung', ofChannel)],
        },
        {
          title: 'Paused by an operator',
          unit: 'short',
          queries: [over('max', 'fanfare_channel_paused', 'channel, lane', ofChannel)],
        },
        {
          title: 'Failures that repeat, a minute of one sender at a time',
          unit: 'ops',
          emptyBecause: 'while no sender meets the same failure more than 50 times within a minute',
          queries: [perSecond('fanfare_repeated_failures_total', 'channel, reason', ofChannel)],
        },
      ],
    },
  ],
}
