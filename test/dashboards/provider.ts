/**
 * One provider: what it is asked, what it answers, how long it takes, what it reports.
 */
import type { Dashboard } from './dashboard.ts'
import { callDuration, perSecond, quantile } from './queries.ts'

const ofProvider = '{provider=~"$provider"}'

export const provider: Dashboard = {
  name: 'provider',
  title: 'Fanfare: provider',
  description: 'One provider: what it is asked, what it answers, how long it takes, what it reports.',
  variables: [{ name: 'provider', label: 'Provider', values: 'label_values(fanfare_provider_calls_total, provider)' }],
  rows: [
    {
      title: 'Calls',
      panels: [
        {
          title: 'Calls a second',
          unit: 'reqps',
          queries: [perSecond('fanfare_provider_calls_total', 'provider, outcome', ofProvider)],
        },
        {
          title: 'Share of calls that came to nothing',
          unit: 'percentunit',
          description: 'An alert fires above a fifth.',
          threshold: 0.2,
          queries: [
            {
              expr: 'sum by (provider) (rate(fanfare_provider_calls_total{provider=~"$provider",outcome=~"retry|unknown|misconfigured"}[$__rate_interval])) / sum by (provider) (rate(fanfare_provider_calls_total{provider=~"$provider"}[$__rate_interval]))',
              legend: '{{provider}}',
            },
          ],
        },
        {
          title: 'Why, a second',
          unit: 'ops',
          queries: [
            perSecond(
              'fanfare_provider_calls_total',
              'provider, outcome, reason',
              '{provider=~"$provider",outcome!="accepted"}',
            ),
          ],
        },
        {
          title: 'Duration of a call',
          unit: 's',
          queries: [
            quantile(0.5, callDuration, 'provider', ofProvider),
            quantile(0.95, callDuration, 'provider', ofProvider),
            quantile(0.99, callDuration, 'provider', ofProvider),
          ],
        },
      ],
    },
    {
      title: 'What is wrong with us',
      panels: [
        {
          title: 'Calls refused for our account’s sake, a second',
          unit: 'ops',
          emptyBecause: 'while the account is in order',
          queries: [
            perSecond(
              'fanfare_provider_calls_total',
              'provider, reason',
              '{provider=~"$provider",outcome="misconfigured"}',
            ),
          ],
        },
        {
          title: 'Share of tokens that are dead',
          unit: 'percentunit',
          emptyBecause: 'for providers whose addresses are no tokens',
          queries: [
            {
              expr: 'sum by (provider) (rate(fanfare_provider_calls_total{provider=~"$provider",reason=~"unregistered|sender_mismatch"}[$__rate_interval])) / sum by (provider) (rate(fanfare_provider_calls_total{provider=~"$provider"}[$__rate_interval]))',
              legend: '{{provider}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What providers and people report',
      panels: [
        {
          title: 'Reports a second, of all providers',
          unit: 'ops',
          queries: [perSecond('fanfare_feedback_total', 'kind')],
        },
        {
          title: 'Devices called dead, a second',
          unit: 'ops',
          queries: [{ expr: 'sum(rate(fanfare_invalidated_devices_total[$__rate_interval]))', legend: 'devices' }],
        },
      ],
    },
  ],
}
