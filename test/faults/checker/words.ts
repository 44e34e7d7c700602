/**
 * The words of the status topic and of the rows, as the contracts give them.
 */
import type { DeliveryRow, RequestedEvent, StatusRecord } from './observations.ts'

/** States of a row that say that a provider accepted, later reports included. */
const acceptedStates: ReadonlySet<string> = new Set([
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
])

/** Ends without an acceptance. `unknown` is one only under the policy `hold`. */
const refusedEnds: ReadonlySet<string> = new Set(['failed', 'suppressed', 'expired', 'cancelled'])

export function isAccepted({ state }: Pick<DeliveryRow, 'state'>): boolean {
  return acceptedStates.has(state)
}

export function isFinal({ state }: Pick<DeliveryRow, 'state'>): boolean {
  return acceptedStates.has(state) || refusedEnds.has(state) || state === 'unknown'
}

/** The status that a final row is announced with. */
export function endOf(row: Pick<DeliveryRow, 'state'>): string {
  return isAccepted(row) ? 'sent' : row.state
}

/** Statuses of a delivery that end it, one excluding the other. */
export function isEnd({ status }: Pick<StatusRecord, 'status'>): boolean {
  return status === 'sent' || refusedEnds.has(status)
}

/** Nobody could tell whether the provider accepted, and it was said. */
export function isAmbiguous({ status, reason }: Pick<StatusRecord, 'status' | 'reason'>): boolean {
  return status === 'unknown' || reason === 'ambiguous'
}

/** Decisions about a whole notification after which nothing more comes, besides `routed`. */
export function endsNotification({ status }: Pick<StatusRecord, 'status'>): boolean {
  return refusedEnds.has(status)
}

/** What requests call push is ios or android from the router on. */
export function requestChannelOf(channel: string): string {
  return channel === 'ios' || channel === 'android' ? 'push' : channel
}

/** (source, notificationId) is the identity of an event; ids are compared without regard to case. */
export function nameOf({ source, notificationId }: Pick<RequestedEvent, 'source' | 'notificationId'>): string {
  return `${source}/${notificationId.toLowerCase()}`
}
