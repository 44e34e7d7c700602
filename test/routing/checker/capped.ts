/**
 * Caps: no window of any cap holds more accepted notifications than its limit. A notification counts once, at its first
 * accepted call, whatever its devices; mandatory ones neither obey nor count.
 */
import type { EventCase, Evidence } from './evidence.ts'
import type { Cap } from './observations.ts'
import type { Violation } from './report.ts'

export function findCapped({ cases, observations }: Evidence): Violation[] {
  const counted = cases.filter((each) => each.category !== undefined && !each.category.isMandatory)
  const byUser = Map.groupBy(counted, ({ event }) => String(event.userId))
  const byCategory = Map.groupBy(counted, ({ event }) => `${event.userId} ${event.category}`)
  return [
    ...[...byUser].flatMap(([who, theirs]) => overfull(theirs, observations.capsOverAll, `user ${who}`)),
    ...[...byCategory].flatMap(([who, theirs]) => overfull(theirs, theirs[0]?.category?.caps ?? [], `user ${who}`)),
  ]
}

function overfull(cases: readonly EventCase[], caps: readonly Cap[], subject: string): Violation[] {
  const times = cases.flatMap(firstAcceptance).toSorted((one, other) => one - other)
  return caps
    .filter(({ limit, windowMs }) => times.some((at, place) => exceeds(times[place - limit], at, windowMs)))
    .map(({ limit, windowMs }) => ({
      rule: 'more than the cap allows',
      subject: `${subject}: ${limit} in ${windowMs} ms`,
    }))
}

/** With the one that came `limit` places earlier it makes limit + 1. Two that lie a whole window apart share none. */
function exceeds(earlier: number | undefined, at: number, windowMs: number): boolean {
  return earlier !== undefined && at - earlier < windowMs
}

function firstAcceptance({ calls }: EventCase): number[] {
  const first = calls.find(({ isAccepted }) => isAccepted)
  return first === undefined ? [] : [first.at]
}

/** How much further apart than the window slots are kept, so that late returns do not push each other on. */
const graceMs = 5_000

/**
 * Whether others of this person could have filled a window of some cap at this moment. A lower bound that excuses: who
 * holds a place for a time that was never used cannot be seen any more, so whoever waited counts.
 */
export function mayBeOverCap(each: EventCase, at: number, { cases, observations }: Evidence): boolean {
  const others = casesOf(each.event.userId, cases).filter(
    (other) => other !== each && other.category !== undefined && !other.category.isMandatory,
  )
  const isFull = (among: readonly EventCase[], { limit, windowMs }: Cap) =>
    among.filter((other) => mayHoldPlace(other, at, windowMs + graceMs)).length >= limit
  return (
    observations.capsOverAll.some((cap) => isFull(others, cap)) ||
    (each.category?.caps ?? []).some((cap) => isFull(others.filter(isOf(each)), cap))
  )
}

function isOf({ event }: EventCase): (other: EventCase) => boolean {
  return (other) => other.event.category === event.category
}

function mayHoldPlace({ rows, calls, statuses }: EventCase, at: number, spanMs: number): boolean {
  if (statuses.ofWhole.some(({ status, reason }) => status === 'deferred' && reason === 'over_cap')) return true
  const times = [...rows.map(({ routedAt }) => routedAt), ...calls.map((call) => call.at)]
  return times.some((time) => Math.abs(time - at) <= spanMs)
}

const byUser = new WeakMap<readonly EventCase[], Map<number, EventCase[]>>()

function casesOf(userId: number, cases: readonly EventCase[]): readonly EventCase[] {
  let groups = byUser.get(cases)
  if (groups === undefined) {
    groups = Map.groupBy(cases, ({ event }) => event.userId)
    byUser.set(cases, groups)
  }
  return groups.get(userId) ?? []
}
