/**
 * Who was reached, or was to be: never somebody who must not hear of it, never outside their hours or the event's time,
 * and on the category's lane. A routing counts as much as a call: a sender that refuses it does not excuse the router.
 */
import type { EventCase, Evidence } from './evidence.ts'
import { firstQuietMoment, isQuiet, type Hours } from './hours.ts'
import type { DeliveryRow, ProviderCall } from './observations.ts'
import type { Violation } from './report.ts'
import { addressesOf, isOptedIn, isSuppressed } from './settings.ts'
import { requestChannelOf } from './words.ts'

export function findReached({ cases, strangers, observations }: Evidence): Violation[] {
  return [
    ...cases.flatMap((each) => [
      ...each.rows.flatMap((row) => ofRow(row, each, observations)),
      ...each.calls.flatMap((call) => ofCall(call, each, observations)),
      ...twice(each),
    ]),
    ...strangers.rows.map(({ deliveryId }) => ({ rule: 'routed what nobody asked for', subject: deliveryId })),
    ...strangers.calls.map(({ deliveryId }) => ({ rule: 'called for what is not routed', subject: deliveryId })),
    ...strangers.statuses.map(({ statusId }) => ({ rule: 'told of what nobody asked for', subject: statusId })),
  ]
}

type Observed = Evidence['observations']

function ofRow(row: DeliveryRow, each: EventCase, observations: Observed): Violation[] {
  const { event, person, category, hours } = each
  const broken: string[] = []
  const asked = requestChannelOf(row.channel)
  if (row.userId !== event.userId) broken.push('routed to somebody else')
  if (!each.channels.includes(asked)) broken.push('routed on a channel that was not asked for')
  if (person === undefined) broken.push('routed to somebody unknown')
  if (category === undefined) broken.push('routed in a category that is not there')
  if (person !== undefined && category !== undefined) {
    const { address } = row
    const isTheirs = addressesOf(person, asked).some((to) => to.channel === row.channel && to.address === address)
    if (!isTheirs) broken.push('routed to an address that is not the person’s')
    if (isSuppressed(observations.suppressions, { category: category.name, channel: asked, address })) {
      broken.push('routed to a suppressed address')
    }
    if (!isOptedIn(person, category, asked)) broken.push('routed on an opted-out channel')
    if (row.lane !== category.lane) broken.push('routed on another lane than the category’s')
    if (row.routedAt < person.knownFrom) broken.push('routed to somebody who was not known yet')
    if (hours !== undefined && !isQuietWindowRight(row, hours)) broken.push('a quiet window that is not the next')
  }
  if (each.expiresAt !== undefined && row.expiresAt !== each.expiresAt) broken.push('another expiry than the event’s')
  return broken.map((rule) => ({ rule, subject: `${each.name} ${row.channel}` }))
}

/** No quiet hours of a run are shorter than this, nor are the gaps between them. */
const stepMs = 15 * 60_000
/** Within a day and a half after the routing every window that there is has begun. */
const lookAheadMs = 36 * 3_600_000

/** What the sender is told of the quiet to come: it rings at no time before the window, and not inside. */
function isQuietWindowRight({ routedAt, quietFrom, quietUntil, expiresAt }: DeliveryRow, hours: Hours): boolean {
  if ((quietFrom === null) !== (quietUntil === null)) return false
  const until = Math.min(quietFrom ?? Infinity, expiresAt, routedAt + lookAheadMs)
  if (firstQuietMoment(hours, { from: routedAt, until, stepMs }) !== undefined) return false
  if (quietFrom === null || quietUntil === null) return true
  // What comes after its expiry nobody will ask.
  return isQuiet(hours, quietFrom) && (quietUntil >= expiresAt || !isQuiet(hours, quietUntil))
}

function ofCall(call: ProviderCall, each: EventCase, observations: Observed): Violation[] {
  const { event, person, category, hours } = each
  const { at } = call
  const broken: string[] = []
  const row = each.rows.find(({ deliveryId }) => deliveryId === call.deliveryId)
  const asked = requestChannelOf(call.channel)
  if (row !== undefined && (row.channel !== call.channel || row.address !== call.address)) {
    broken.push('called elsewhere than it was routed to')
  }
  if (category !== undefined && person !== undefined) {
    if (isSuppressed(observations.suppressions, { category: category.name, channel: asked, address: call.address })) {
      broken.push('called a suppressed address')
    }
    if (!isOptedIn(person, category, asked)) broken.push('called on an opted-out channel')
    if (hours !== undefined && isQuiet(hours, at)) broken.push('called in quiet hours')
    if (call.lane !== category.lane) broken.push('called on another lane than the category’s')
  }
  if (event.sendAt !== null && at < event.sendAt) broken.push('called before sendAt')
  if (each.expiresAt !== undefined && at > each.expiresAt) broken.push('called after expiry')
  if (each.cancels.some(({ publishedAt }) => publishedAt < at)) broken.push('called although the cancel had come')
  return broken.map((rule) => ({ rule, subject: `${each.name} ${call.channel}` }))
}

/** Whatever its copies and passes: one event reaches one address once. */
function twice({ name, rows, calls }: EventCase): Violation[] {
  const placeOf = ({ channel, address }: { channel: string; address: string }) => `${channel} ${address}`
  const accepted = calls.filter(({ isAccepted }) => isAccepted)
  return [
    ...(new Set(rows.map(placeOf)).size < rows.length ? ['routed twice to one address'] : []),
    ...(new Set(accepted.map(placeOf)).size < accepted.length ? ['sent twice to one address'] : []),
  ].map((rule) => ({ rule, subject: name }))
}
