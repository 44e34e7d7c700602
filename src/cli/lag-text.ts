/**
 * The lags of groups with the rate between two looks, and as text for a terminal.
 */
import type { GroupLag } from '../kafka/group-lag.ts'
import { countText, textTable } from '../local/demo/text-table.ts'

export interface GroupRate extends Omit<GroupLag, 'committed'> {
  /** Records that the group committed a second, between the two looks. */
  ratePerSecond: number
  /** At that rate; null where nothing was committed and there is lag. */
  secondsToDrain: number | null
}

export interface Look {
  /** Monotonic ms. */
  atMs: number
  lags: readonly GroupLag[]
}

export function groupRates(before: Look, now: Look): GroupRate[] {
  const seconds = (now.atMs - before.atMs) / 1_000
  return now.lags.map(({ committed, ...each }) => {
    const earlier = before.lags.find(({ group, topic }) => group === each.group && topic === each.topic)
    // A group that was rewound has not worked backwards.
    const moved = Math.max(0, committed - (earlier?.committed ?? committed))
    const ratePerSecond = Math.round((moved / seconds) * 10) / 10
    return { ...each, ratePerSecond, secondsToDrain: drainTime(each.lag, moved / seconds) }
  })
}

function drainTime(lag: number, perSecond: number): number | null {
  if (lag === 0) return 0
  return perSecond === 0 ? null : Math.ceil(lag / perSecond)
}

/** Groups with the most to do first would move about under `--watch`, so they keep their order. */
export function lagTable(rates: readonly GroupRate[]): string {
  const rows = rates.map(({ group, topic, state, lag, ratePerSecond, secondsToDrain, members, unowned }) => [
    group,
    topic,
    countText(lag),
    countText(ratePerSecond),
    secondsToDrain === null ? 'stands' : durationText(secondsToDrain),
    members.length === 0 ? 'nobody' : String(members.length),
    unowned === 0 || members.length === 0 ? state : `${state}, ${unowned} partitions unowned`,
  ])
  return `${textTable([['group', 'topic', 'lag', 'per second', 'to drain', 'members', 'state'], ...rows])}\n`
}

/** 0 → `-`, 75 → `1m 15s`, 7200 → `2h 0m`. */
export function durationText(seconds: number): string {
  if (seconds === 0) return '-'
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}
