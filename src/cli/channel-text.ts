/**
 * Channels, their pauses and their limits as text for a terminal.
 */
import { channels, lanes, type Channel, type Lane } from '../domain/channel.ts'
import { textTable } from '../local/demo/text-table.ts'
import type { ChannelLimit } from '../postgres/channel-limits.ts'
import type { ChannelPause } from '../postgres/channel-pauses.ts'
import { secondsOf } from './delivery-text.ts'

/** Every channel and lane, paused or open. */
export function channelTable(pauses: readonly ChannelPause[]): string {
  const rows = channels.flatMap((channel) =>
    lanes.map((lane) => {
      const pause = pauses.find((each) => each.channel === channel && each.lane === lane)
      return [channel, lane, ...stateOf(pause)]
    }),
  )
  return textTable([['channel', 'lane', 'state', 'since', 'until', 'by', 'reason'], ...rows])
}

function stateOf(pause: ChannelPause | undefined): string[] {
  if (pause === undefined) return ['open', '-', '-', '-', '-']
  const { pausedAtMs, pausedUntilMs, pausedBy, reason } = pause
  return ['paused', secondsOf(pausedAtMs), pausedUntilMs === null ? '-' : secondsOf(pausedUntilMs), pausedBy, reason]
}

export function pauseSentence({ channel, lane, pausedAtMs, pausedUntilMs }: ChannelPause): string {
  const until = pausedUntilMs === null ? 'until it is resumed' : `until ${secondsOf(pausedUntilMs)}`
  return `${channel} ${lane} is paused since ${secondsOf(pausedAtMs)}, ${until}`
}

export function resumeSentence(channel: Channel, lane: Lane, wasPaused: boolean): string {
  return wasPaused ? `${channel} ${lane} goes on` : `${channel} ${lane} was not paused`
}

export function limitSentence({ channel, lane, concurrency, limitedUntilMs }: ChannelLimit): string {
  return `${channel} ${lane} has ${concurrency} calls at once for each sender, until ${secondsOf(limitedUntilMs)}`
}

export function unlimitSentence(channel: Channel, lane: Lane, wasLimited: boolean): string {
  return wasLimited
    ? `${channel} ${lane} has as many calls as it is configured for`
    : `${channel} ${lane} was not limited`
}
