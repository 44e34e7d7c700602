/**
 * Charged: the places in Redis against what was routed. Each notification that counts has one place under the caps of
 * its category and of its person, at the moment at which it was routed; and there is no place that nobody uses.
 */
import { countedOf, type Counted } from './capped.ts'
import type { Evidence } from './evidence.ts'
import type { Cap, Place, Schedule } from './observations.ts'
import type { Violation } from './report.ts'
import { nameOf } from './words.ts'

/** So late may a return be and keep its place. */
const graceMs = 5_000
/** A router decides a moment before it asks for the place. */
const askedWithinMs = 2_000

export function findMischarged(evidence: Evidence): Violation[] {
  const placesOf = Map.groupBy(evidence.places, nameOf)
  return [
    ...[...placesOf].flatMap(([name, places]) => wrongPlaces(name, places, evidence)),
    ...missingPlaces(evidence, placesOf),
  ]
}

function mischarged(rule: string, subject: string): Violation {
  return { kind: 'contradictory', rule, subject }
}

function wrongPlaces(name: string, places: readonly Place[], evidence: Evidence): Violation[] {
  const [place] = places
  if (place === undefined) return []
  if (places.some(({ at }) => at !== place.at)) return [mischarged('charged at two moments', name)]
  const routed = evidence.statuses.ofNotification(name).find(({ status }) => status === 'routed')
  if (routed === undefined) {
    const isWaiting = evidence.scheduled.some((row) => nameOf(row) === name)
    return isWaiting ? [] : [mischarged('a place that nothing uses', name)]
  }
  const lateMs = routed.occurredAt - place.at
  const isOwn = lateMs >= -askedWithinMs && lateMs <= graceMs + askedWithinMs
  return isOwn ? [] : [mischarged('routed at another moment than charged for', `${name}: ${lateMs} ms after`)]
}

/** Keys outlive the last window of their places by so much. */
const keyOutlivesMs = 60_000

/**
 * Redis forgets the places that no window reaches any more, at the next question about the same person, and a minute
 * after the last window all of them. So those within a window of the last one must still be there, if it is not long ago.
 */
function missingPlaces(evidence: Evidence, placesOf: ReadonlyMap<string, readonly Place[]>): Violation[] {
  const { categories, schedule } = evidence
  const capsOf = new Map(categories.map(({ name, caps }) => [name, caps]))
  const counted = countedOf(evidence)
  const held = (each: Counted, isOf: (place: Place) => boolean) => placesOf.get(each.name)?.some(isOf) === true
  return [
    ...[...Map.groupBy(counted, ({ userId }) => userId).values()].flatMap((theirs) =>
      recent(theirs, schedule.userCaps, schedule)
        .filter((each) => !held(each, ({ category }) => category === null))
        .map(({ name }) => mischarged('routed without a place under the caps over all', name)),
    ),
    ...[...Map.groupBy(counted, ({ userId, category }) => `${userId} ${category}`).values()].flatMap((theirs) =>
      recent(theirs, capsOf.get(theirs[0]?.category ?? '') ?? [], schedule)
        .filter((each) => !held(each, ({ category }) => category === each.category))
        .map(({ name }) => mischarged('routed without a place under the caps of its category', name)),
    ),
  ]
}

function recent(theirs: readonly Counted[], caps: readonly Cap[], { endedAtMs }: Schedule): Counted[] {
  const reachMs = Math.max(0, ...caps.map(({ windowSeconds }) => windowSeconds * 1_000))
  const lastAt = Math.max(...theirs.map(({ routedAt }) => routedAt))
  return lastAt < endedAtMs - keyOutlivesMs ? [] : theirs.filter(({ routedAt }) => routedAt > lastAt - reachMs)
}
