/**
 * Keeping the funnel counted. Rows change in many places (routers, senders, sweeps, operators), so the hours that have to
 * be counted again are found by when their rows changed; feedback marks its own, also of days that are read no more.
 *
 * An hour is counted anew from its rows, never added to. A mark is taken before its rows are read, so what changes
 * meanwhile marks it again.
 */
import { dayOf } from '../../domain/identity.ts'

export interface FunnelPorts {
  /** Postgres's clock, Unix ms: rows are stamped by it. */
  databaseNow(): Promise<number>
  /** Marks the hours of the day in which a delivery has changed since. */
  markChangedHours(day: string, sinceMs: number): Promise<void>
  /** At most `limit` hours that are marked, Unix ms: the present ones first, then those that have waited longest. */
  markedHours(limit: number): Promise<number[]>
  countHour(hour: number): Promise<void>
  /** Takes the mark and leaves what was counted. */
  unmarkHour(hour: number): Promise<void>
}

/** A whole hour of a large campaign is a second's work. What is left is the next round's. */
export const hoursPerRound = 48
/** So far a process looks back that has not looked yet: longer than anybody leaves a database without maintenance. */
const firstLookBackMs = 86_400_000
/** A row is stamped when its statement begins and seen when its transaction ends: none of ours takes so long. */
const overlapMs = 300_000

export interface FunnelCounter {
  /** Begins a look: rows that changed since this moment (Unix ms, Postgres's clock) are to be counted again. */
  beginLook(ports: Pick<FunnelPorts, 'databaseNow'>): Promise<number>
  /** @param days that have rows, oldest first, up to today. @returns how many hours were counted. */
  countMarked(ports: FunnelPorts, days: readonly string[]): Promise<number>
}

export function createFunnelCounter(): FunnelCounter {
  let lastLookMs: number | undefined
  let thisLookMs: number | undefined

  async function beginLook(ports: Pick<FunnelPorts, 'databaseNow'>): Promise<number> {
    thisLookMs = await ports.databaseNow()
    return lastLookMs === undefined ? thisLookMs - firstLookBackMs : lastLookMs - overlapMs
  }

  async function countMarked(ports: FunnelPorts, days: readonly string[]): Promise<number> {
    const [oldest = ''] = days
    const hours = await ports.markedHours(hoursPerRound)
    const counted = hours.filter((hour) => days.includes(dayOf(hour)))
    for (const hour of counted) await ports.countHour(hour)
    // Their partitions have gone meanwhile: nothing is left to count, and what was counted is all there is. An event may
    // also be of tomorrow, by a clock that is ahead: its hour stays marked until then.
    for (const hour of hours) if (dayOf(hour) < oldest) await ports.unmarkHour(hour)
    // Only now: a round that failed before is looked over again.
    lastLookMs = thisLookMs
    return counted.length
  }

  return { beginLook, countMarked }
}
