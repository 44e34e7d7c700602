/**
 * Over a cap: more of a person's notifications in some window than a cap allows. What goes out before there is room goes
 * out early.
 *
 * Asked of two witnesses: of the moments at which the routers say that they routed, and of those at which providers were
 * called, less the lag that the machine causes between the two. What a router had routed when it died is told by its
 * successor, however much later: that counts when it was routed, as it was recorded. A notification counts once,
 * whatever its deliveries; mandatory ones neither obey nor count, and nobody counts what is routed while the counters are
 * away.
 */
import type { Evidence } from './evidence.ts'
import type { Cap } from './observations.ts'
import type { Violation } from './report.ts'

/** A notification that was routed and counts under caps. */
export interface Counted {
  name: string
  userId: number
  category: string
  routedAt: number
  /** Of the first call that was accepted; undefined where none was. */
  calledAt: number | undefined
}

export function findOverCap(evidence: Evidence): Violation[] {
  const counted = countedOf(evidence)
  const { sendLagMs, kills } = evidence.schedule
  const deaths = kills.filter(({ role }) => role.startsWith('router')).map(({ atMs }) => atMs)
  const asTold = counted.map((each) => ({ ...each, at: each.routedAt }))
  const asCalled = counted.flatMap((each) => {
    const { routedAt, calledAt } = each
    if (calledAt === undefined) return []
    const isInherited = deaths.some((atMs) => atMs >= routedAt && atMs <= calledAt)
    return [{ ...each, at: isInherited ? routedAt : Math.max(routedAt, calledAt - sendLagMs) }]
  })
  return [...overfull('routed over a cap', asTold, evidence), ...overfull('called over a cap', asCalled, evidence)]
}

/** Routed while the counters were there. */
export function countedOf({ requestsOf, statuses, categories, rowsOf, callsOf, schedule }: Evidence): Counted[] {
  const mandatory = new Set(categories.filter(({ isMandatory }) => isMandatory).map(({ name }) => name))
  const isAway = (at: number) => schedule.capsAway.some(({ fromMs, untilMs }) => at >= fromMs && at < untilMs)
  return [...requestsOf].flatMap(([name, [{ userId, category }]]) => {
    const routed = statuses.ofNotification(name).find(({ status, channel }) => status === 'routed' && channel === null)
    if (routed === undefined || mandatory.has(category) || isAway(routed.occurredAt)) return []
    const accepted = rowsOf(name)
      .flatMap(({ deliveryId }) => callsOf(deliveryId))
      .filter(({ verdict }) => verdict === 'accepted')
      .map(({ receivedAtMs }) => receivedAtMs)
    const calledAt = accepted.length === 0 ? undefined : Math.min(...accepted)
    return [{ name, userId, category, routedAt: routed.occurredAt, calledAt }]
  })
}

type Placed = Counted & { at: number }

function overfull(rule: string, placed: readonly Placed[], { categories, schedule }: Evidence): Violation[] {
  const capsOf = new Map(categories.map(({ name, caps }) => [name, caps]))
  const byPerson = Map.groupBy(placed, ({ userId }) => `user ${userId}`)
  const byCategory = Map.groupBy(placed, ({ userId, category }) => `user ${userId} ${category}`)
  return [
    ...[...byPerson].flatMap(([subject, theirs]) => breaches(rule, subject, theirs, schedule.userCaps)),
    ...[...byCategory].flatMap(([subject, theirs]) =>
      breaches(rule, subject, theirs, capsOf.get(theirs[0]?.category ?? '') ?? []),
    ),
  ]
}

/** With the one that came `limit` places earlier each makes limit + 1. Two that lie a whole window apart share none. */
function breaches(rule: string, subject: string, placed: readonly Placed[], caps: readonly Cap[]): Violation[] {
  const times = placed.map(({ at }) => at).toSorted((one, other) => one - other)
  return caps.flatMap(({ limit, windowSeconds }) =>
    times.flatMap((at, place): Violation[] => {
      const earlier = times[place - limit]
      const isOver = limit === 0 || (earlier !== undefined && at - earlier < windowSeconds * 1_000)
      return isOver ? [{ kind: 'early', rule, subject: `${subject}: ${limit} in ${windowSeconds} s, at ${at}` }] : []
    }),
  )
}
