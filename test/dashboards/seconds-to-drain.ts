/**
 * How long lag takes: the panel that two dashboards share.
 */
import { secondsToDrainMax } from '../../src/telemetry/drain-estimate.ts'
import type { Panel } from './dashboard.ts'
import { over } from './queries.ts'

export const secondsToDrain: Panel = {
  title: 'Seconds to drain',
  unit: 's',
  description: `A group has drained when its slowest member has; ${secondsToDrainMax} is the most that is told, and what counts where nothing is committed.`,
  queries: [over('max', 'fanfare_consumer_seconds_to_drain', 'group')],
}
