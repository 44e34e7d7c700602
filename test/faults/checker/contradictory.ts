/**
 * Contradictory: two witnesses say what cannot both be true, or one takes back what it said.
 */
import { messageNameOf, type Evidence } from './evidence.ts'
import type { Commit, DeliveryRow, StatusRecord } from './observations.ts'
import type { Violation } from './report.ts'
import { endOf, endsNotification, isAccepted, isEnd, isFinal, nameOf } from './words.ts'

export function findContradictions(evidence: Evidence): Violation[] {
  return [
    ...[...evidence.statuses.byId.values()].flatMap(unlikeCopies),
    ...evidence.notifications.flatMap((row) => ofNotification(row, evidence)),
    ...evidence.deliveries.flatMap((row) => ofDelivery(row, evidence)),
    ...withoutRow(evidence),
    ...evidence.calls.flatMap((call) => ofCall(call, evidence)),
    ...commitsThatWentBack(evidence),
  ]
}

function contradictory(rule: string, subject: string): Violation {
  return { kind: 'contradictory', rule, subject }
}

/** Copies of a status say the same; only the moment may differ, where a step was told again. */
function unlikeCopies(copies: readonly StatusRecord[]): Violation[] {
  const sayings = new Set(
    copies.map(({ notificationId, source, deliveryId, channel, status, reason, plannedDeliveries }) =>
      JSON.stringify([notificationId, source, deliveryId, channel, status, reason, plannedDeliveries]),
    ),
  )
  return sayings.size > 1 ? [contradictory('one status id with two meanings', copies[0]?.statusId ?? '')] : []
}

function ofNotification(row: Evidence['notifications'][number], evidence: Evidence): Violation[] {
  const name = nameOf(row)
  const said = evidence.statuses.ofNotification(name)
  const ofWhole = said.filter(({ channel }) => channel === null)
  const routed = ofWhole.filter(({ status }) => status === 'routed')
  const rows = evidence.rowsOf(name)
  const violations: Violation[] = []
  if (routed.length > 1) violations.push(contradictory('routed twice', name))
  // A cancel may come after the routing; nothing else ends a notification that has deliveries.
  if (routed.length > 0 && ofWhole.some((status) => endsNotification(status) && status.status !== 'cancelled')) {
    violations.push(contradictory('routed and ended', name))
  }
  if (routed.some(({ plannedDeliveries }) => (plannedDeliveries ?? 0) < rows.length)) {
    violations.push(contradictory('more rows than deliveries planned', name))
  }
  const inLog = row.deliveryIds.toSorted().join()
  if (
    inLog !==
    rows
      .map(({ deliveryId }) => deliveryId)
      .toSorted()
      .join()
  ) {
    violations.push(contradictory('the log names other deliveries than there are', name))
  }
  const copies = evidence.requestsOf.get(name)?.length ?? 0
  if (copies <= 1 && said.some(({ status }) => status === 'duplicate')) {
    violations.push(contradictory('a duplicate of itself', name))
  }
  return violations
}

function ofDelivery(row: DeliveryRow, evidence: Evidence): Violation[] {
  const said = evidence.statuses.ofDelivery(row.deliveryId)
  const ends = said.filter(isEnd)
  const violations: Violation[] = []
  const others = ends.filter(({ status }) => status !== endOf(row))
  if (isFinal(row) && others.some((other) => !isOvertaken(other, row, evidence))) {
    violations.push(contradictory('ends that exclude each other', `${row.deliveryId} ${row.state}`))
  }
  if (!isFinal(row) && ends.length > 0) {
    violations.push(contradictory('an end on the status topic that the row does not have', row.deliveryId))
  }
  if (isAccepted(row)) {
    const taken = evidence.callsOf(row.deliveryId).filter(({ verdict }) => verdict === 'accepted')
    if (taken.length > 0 && !taken.some((call) => messageNameOf(call) === messageNameOf(row))) {
      violations.push(contradictory('another message id than the provider gave', row.deliveryId))
    }
  }
  return violations
}

/**
 * An acceptance outranks the other ends: it came late (the provider had the message before the other end was told), or
 * the delivery was redriven after it had failed. The other way round never holds.
 */
function isOvertaken(other: StatusRecord, row: DeliveryRow, { callsOf, schedule }: Evidence): boolean {
  if (!isAccepted(row)) return false
  if (schedule.redriven && other.status === 'failed' && other.reason === 'attempts_exhausted') return true
  return callsOf(row.deliveryId).some(
    ({ verdict, receivedAtMs }) => verdict === 'accepted' && receivedAtMs <= other.occurredAt + schedule.skewAllowedMs,
  )
}

function withoutRow({ statuses, rowOf, notifications, requestsOf }: Evidence): Violation[] {
  const inLog = new Set(notifications.map(nameOf))
  return [
    ...[...statuses.deliveryIds()]
      .filter((deliveryId) => !rowOf.has(deliveryId))
      .map((deliveryId) => contradictory('a status of a delivery that has no row', deliveryId)),
    ...[...inLog]
      .filter((name) => !requestsOf.has(name))
      .map((name) => contradictory('a row for what nobody asked', name)),
  ]
}

/** A person who must not hear of it, or a channel that was paused, and a provider that was told. */
function ofCall(call: Evidence['calls'][number], { rowOf, schedule }: Evidence): Violation[] {
  const isPaused = schedule.pauses.some(
    ({ channel, fromMs, untilMs }) =>
      call.channel === channel && call.receivedAtMs >= fromMs && call.receivedAtMs < untilMs,
  )
  if (isPaused) return [contradictory('called although its channel was paused', call.deliveryId ?? `${call.sequence}`)]
  const row = rowOf.get(call.deliveryId?.toLowerCase() ?? '')
  if (row === undefined) return []
  if (row.channel !== call.channel) return [contradictory('called on another channel', row.deliveryId)]
  return row.state === 'suppressed' ? [contradictory('called although suppressed', row.deliveryId)] : []
}

/** Only the harness puts an offset back, and says when. */
function commitsThatWentBack({ commits, schedule }: Evidence): Violation[] {
  const last = new Map<string, Commit>()
  const violations: Violation[] = []
  for (const commit of commits) {
    const place = `${commit.group} ${commit.topic}[${commit.partition}]`
    const before = last.get(place)
    last.set(place, commit)
    if (before === undefined || commit.offset >= before.offset) continue
    const isRewind = schedule.rewindsAtMs.some((atMs) => atMs >= before.committedAt && atMs <= commit.committedAt)
    if (!isRewind) violations.push(contradictory('a committed offset that went back', place))
  }
  return violations
}
