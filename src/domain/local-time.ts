/**
 * From a wall clock's time to instants. A day of daylight saving time skips an hour or has one twice, so a local time has
 * no instant of its own, or two.
 */
import { IANAZone } from 'luxon'

/** Unix ms. The two differ only where the clock shows the time twice, and are then an hour or so apart. */
export interface LocalInstants {
  first: number
  last: number
}

const minuteMs = 60_000
const dayMs = 86_400_000

/** Zones, dates and hours repeat over all people, and asking a zone for its offset takes longer than routing an event. */
const remembered = new Map<string, LocalInstants>()
const rememberedMax = 50_000

/**
 * When the clocks of a zone show a time on a date; where they jump over it, the instant of the jump, which is the first
 * one that is not before it.
 * @param zone a valid IANA name.
 * @param date UTC midnight of the local date, Unix ms.
 * @param minute after local midnight.
 */
export function instantsOf(zone: string, date: number, minute: number): LocalInstants {
  const key = `${zone} ${date} ${minute}`
  const known = remembered.get(key)
  if (known !== undefined) return known
  const found = findInstants(IANAZone.create(zone), date + minute * minuteMs)
  if (remembered.size === rememberedMax) remembered.clear()
  remembered.set(key, found)
  return found
}

/** @param shown what the clocks show, as if it were UTC. */
function findInstants(zone: IANAZone, shown: number): LocalInstants {
  // Zones change their offset at most once in two days, so these are the only offsets that may apply.
  const before = zone.offset(shown - dayMs) * minuteMs
  const after = zone.offset(shown + dayMs) * minuteMs
  const early = shown - Math.max(before, after)
  const late = shown - Math.min(before, after)
  const shows = (instant: number) => instant + zone.offset(instant) * minuteMs === shown
  if (before === after) return { first: early, last: early }
  if (shows(early)) return { first: early, last: shows(late) ? late : early }
  if (shows(late)) return { first: late, last: late }
  const jump = changeBetween(zone, early, late)
  return { first: jump, last: jump }
}

/** The first instant, to the second, with the offset of `to`; offsets change on whole seconds. */
function changeBetween(zone: IANAZone, from: number, to: number): number {
  const wanted = zone.offset(to)
  let low = Math.floor(from / 1_000)
  let high = Math.ceil(to / 1_000)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.offset(middle * 1_000) === wanted) high = middle
    else low = middle
  }
  return high * 1_000
}
