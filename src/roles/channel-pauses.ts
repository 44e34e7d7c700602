/**
 * The pauses of the channels that a process sends on: one question to Postgres for all of them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadChannelPauses } from '../postgres/channel-pauses.ts'
import { watchChannelPauses, type ChannelPauses, type ServedChannel } from '../services/sender/channel-pauses.ts'
import type { DeliveryInfrastructure } from './infrastructure.ts'

export function openChannelPauses(
  { pool, log, deliveryMetrics }: DeliveryInfrastructure,
  served: readonly ServedChannel[],
): Promise<ChannelPauses> {
  return watchChannelPauses({
    served,
    load: () => loadChannelPauses(pool),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => {})
    },
    observe: (observation) => {
      if (observation.kind === 'unreadable') {
        const { error } = observation
        log.warn({ err: error }, 'cannot read which channels are paused: what was read last holds')
        return
      }
      const { kind, channel, lane, isFirst } = observation
      deliveryMetrics.channelPaused.set({ channel, lane }, kind === 'paused' ? 1 : 0)
      if (kind === 'paused') log.warn({ channel, lane }, 'the channel is paused by an operator')
      else if (!isFirst) log.info({ channel, lane }, 'the channel is resumed')
    },
  })
}
