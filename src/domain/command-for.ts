/**
 * The command of a planned delivery: a pure function of what is on record, so that the router's first forward, its
 * repeat after a crash, and an operator's resend all say the same.
 */
import type { DeliveryCommand } from './delivery-command.ts'
import type { NotificationRequested } from './notification.ts'
import type { NotificationKey, PlannedDelivery } from './notification-log.ts'

export interface CommandSource {
  event: NotificationRequested
  /** Of the log row: the event's id may have been written otherwise. */
  key: NotificationKey
  /** When the router decided, Unix ms. */
  routedAtMs: number
  /** The log row's. */
  pass: number
}

export function commandFor(planned: PlannedDelivery, { event, key, routedAtMs, pass }: CommandSource): DeliveryCommand {
  return {
    ...planned,
    notificationId: key.notificationId,
    source: key.source,
    userId: event.userId,
    category: event.category,
    data: event.data,
    createdAt: event.createdAt,
    routedAt: routedAtMs,
    pass,
    collapseKey: event.collapseKey,
  }
}
