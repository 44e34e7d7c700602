/**
 * Lost: what was accepted has no end, or one of the witnesses of an end is missing.
 */
import { messageNameOf, placeOf, type Evidence } from './evidence.ts'
import type { DeliveryRow, RequestedEvent } from './observations.ts'
import type { Violation } from './report.ts'
import { endOf, endsNotification, isAccepted, isAmbiguous, isFinal, nameOf, requestChannelOf } from './words.ts'

export function findLost(evidence: Evidence): Violation[] {
  return [
    ...[...evidence.requestsOf].flatMap(([name, copies]) => lostOfEvent(name, copies, evidence)),
    ...evidence.unreadable.flatMap((record) => lostOfUnreadable(record, evidence)),
    ...evidence.deliveries.flatMap((row) => lostOfDelivery(row, evidence)),
    ...lostAcceptances(evidence),
    ...unexpectedDeadLetters(evidence),
  ]
}

function lost(rule: string, subject: string): Violation {
  return { kind: 'lost', rule, subject }
}

/** One event, in one or more copies: it needs an end for every channel and address that it was for. */
function lostOfEvent(name: string, copies: readonly RequestedEvent[], evidence: Evidence): Violation[] {
  const said = evidence.statuses.ofNotification(name)
  const ofWhole = said.filter(({ channel }) => channel === null)
  if (ofWhole.some(endsNotification)) return []
  const [event] = copies
  if (event === undefined) return []
  // A record that went to the dead letters for what its headers say was never an event.
  if (said.length === 0 && copies.some((copy) => evidence.deadLettersOf(copy).length > 0)) return []
  const rows = evidence.rowsOf(name)
  const planned = ofWhole.find(({ status }) => status === 'routed')
  if (said.length === 0) return [lost('an event without any status', name)]
  if (planned === undefined && isWaiting(name, evidence)) return []
  const violations: Violation[] = []
  if (planned !== undefined && (planned.plannedDeliveries ?? 0) > rows.length) {
    violations.push(lost('fewer rows than deliveries planned', name))
  }
  const isSuppressed = (channel: string) =>
    said.some((status) => status.channel === channel && endsNotification(status))
  for (const channel of channelsOf(event, evidence)) {
    if (isSuppressed(channel)) continue
    if (planned === undefined) violations.push(lost('a channel without an end', `${name} ${channel}`))
    else violations.push(...unreached(name, event, channel, evidence))
  }
  return violations
}

/** Deferred and still kept for later: whether that is too late is a question of being stuck. */
function isWaiting(name: string, evidence: Evidence): boolean {
  const isDeferred = evidence.statuses.ofNotification(name).some(({ status }) => status === 'deferred')
  return isDeferred && evidence.scheduled.some((row) => nameOf(row) === name)
}

function channelsOf(event: RequestedEvent, { categories }: Evidence): readonly string[] {
  if (event.channels !== null && event.channels.length > 0) return event.channels
  return categories.find(({ name }) => name === event.category)?.channels ?? []
}

/** Addresses of the person on this channel that no delivery is for. */
function unreached(name: string, event: RequestedEvent, channel: string, evidence: Evidence): Violation[] {
  const person = personOf(event.userId, evidence)
  if (person === undefined) return []
  const wanted = Object.entries(person.addresses).flatMap(([of, addresses = []]) =>
    requestChannelOf(of) === channel ? addresses.map((address) => `${of} ${address}`) : [],
  )
  const planned = new Set(evidence.rowsOf(name).map((row) => `${row.channel} ${row.address}`))
  return wanted
    .filter((address) => !planned.has(address))
    .map(() => lost('an address without a delivery', `${name} ${channel}`))
}

const peopleOf = new WeakMap<Evidence['people'], Map<number, Evidence['people'][number]>>()

function personOf(userId: number, { people }: Evidence) {
  let byId = peopleOf.get(people)
  if (byId === undefined) {
    byId = new Map(people.map((person) => [person.userId, person]))
    peopleOf.set(people, byId)
  }
  return byId.get(userId)
}

/** Poison is kept whole, with the place where it lay. */
function lostOfUnreadable(record: Evidence['unreadable'][number], evidence: Evidence): Violation[] {
  const letters = evidence.deadLettersOf(record)
  if (letters.length === 0) return [lost('poison without a dead letter', placeOf(record))]
  const isWhole = letters.every(({ value }) => sameBytes(value, record.value))
  return isWhole ? [] : [lost('a dead letter with other bytes than its source', placeOf(record))]
}

function sameBytes(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === null || other === null) return one === other
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

function lostOfDelivery(row: DeliveryRow, evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  const said = evidence.statuses.ofDelivery(row.deliveryId)
  if (isFinal(row) && !said.some(({ status }) => status === endOf(row))) {
    violations.push(lost('an end that the status topic does not tell', `${row.deliveryId} ${row.state}`))
  }
  if (isAccepted(row)) {
    const taken = evidence.callsOf(row.deliveryId).some(({ verdict }) => verdict === 'accepted')
    if (!taken) violations.push(lost('sent, and no provider has it', row.deliveryId))
  }
  return violations
}

/** Whatever a provider accepted is sent, or was declared ambiguous: then the policy decided about it. */
function lostAcceptances(evidence: Evidence): Violation[] {
  const recorded = new Set(evidence.deliveries.filter(isAccepted).map(messageNameOf))
  return evidence.calls.flatMap((call) => {
    if (call.verdict !== 'accepted' || recorded.has(messageNameOf(call))) return []
    const deliveryId = call.deliveryId?.toLowerCase()
    const row = deliveryId === undefined ? undefined : evidence.rowOf.get(deliveryId)
    if (row === undefined) return [lost('an accepted call without a row', deliveryId ?? `call ${call.sequence}`)]
    // A second acceptance of what is sent is a duplicate, and counted there.
    if (isAccepted(row) || evidence.statuses.ofDelivery(row.deliveryId).some(isAmbiguous)) return []
    return [lost('an accepted call that is not sent', `${row.deliveryId} ${row.state}`)]
  })
}

/** A good record among the dead letters is lost until somebody notices. */
function unexpectedDeadLetters({ deadLetters, unreadable, schedule }: Evidence): Violation[] {
  const poison = new Set(unreadable.map(placeOf))
  return deadLetters
    .filter(({ original }) => original === null || !poison.has(placeOf(original)))
    .filter(({ reason }) => !schedule.expectedDeadLetters.includes(reason ?? ''))
    .map(({ topic, reason, original }) =>
      lost('a dead letter that nothing asked for', `${topic} ${reason ?? ''} ${original ? placeOf(original) : ''}`),
    )
}
