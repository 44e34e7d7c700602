/**
 * What an operator lets the channels of a process have under way: one question to Postgres for all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadChannelLimits } from '../postgres/channel-limits.ts'
import { watchChannelLimits, type ChannelLimits } from '../services/sender/channel-limits.ts'
import type { ServedChannel } from '../services/sender/channel-pauses.ts'
import type { DeliveryInfrastructure } from './infrastructure.ts'

/** @param configured calls under way at once where an operator says nothing. */
export function openChannelLimits(
  { pool, log, deliveryMetrics }: DeliveryInfrastructure,
  served: readonly ServedChannel[],
  configured: number,
): ChannelLimits {
  return watchChannelLimits({
    served,
    configured,
    load: () => loadChannelLimits(pool),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => {})
    },
    observe: ({ channel, lane, concurrency, isFirst }) => {
      deliveryMetrics.concurrency.set({ channel, lane }, concurrency)
      if (!isFirst)
        log.warn({ channel, lane, concurrency, configured }, 'the calls at once of the channel were changed')
    },
  })
}
