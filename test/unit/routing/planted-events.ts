/**
 * What faults are planted with: further events for Ann, and statuses that are taken back.
 */
import type { DeliveryRow, PublishedRequest } from '../../routing/checker/observations.ts'
import { aCall, aRequest, aRow, aStatus, ids, minuteMs, told, type Planted } from './clean-decisions.ts'

/** The rules that it has to be reported by, and no others. */
export type PlantedFault = [rules: string | readonly string[], plant: (run: Planted) => void]

export const halfAnHour = 30 * minuteMs

/** A further event for Ann, sent to her mailbox at that time. */
export function sendAnother(
  run: Planted,
  at: number,
  given: { event?: Partial<PublishedRequest>; row?: Partial<DeliveryRow> } = {},
): void {
  const notificationId = ids.another
  const about = { notificationId, deliveryId: 'd-another', channel: 'email' }
  const row = aRow({ ...about, address: 'ann@example.com', routedAt: at, ...given.row })
  run.requests.push(aRequest({ notificationId, sequence: 20, channels: ['email'], ...given.event }))
  run.deliveries.push(row)
  run.calls.push(aCall(row, at))
  run.statuses.push(aStatus({ notificationId, status: 'routed', plannedDeliveries: 1, occurredAt: at }))
  run.statuses.push(aStatus({ ...about, status: 'sent', occurredAt: at }))
}

/** A further event for Ann, of which this is all that is said. */
export function endAnother(
  run: Planted,
  said: { status: string; reason?: string; occurredAt?: number; channel?: string },
): void {
  run.requests.push(aRequest({ notificationId: ids.another, sequence: 20, channels: ['email'] }))
  run.statuses.push(aStatus({ notificationId: ids.another, ...said }))
}

export function unsay(
  run: Planted,
  ...which: Parameters<typeof told> extends [Planted, ...infer Which] ? Which : never
): void {
  run.statuses.splice(run.statuses.indexOf(told(run, ...which)), 1)
}
