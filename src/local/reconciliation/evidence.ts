/**
 * What three parties say about the same notifications: the providers' ledger, Postgres and the status topic, beside what
 * the producer published.
 */
import type { Channel, RequestChannel } from '../../domain/channel.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import type { Status } from '../../domain/delivery-status.ts'
import type { DecisionKind, SuppressedChannel } from '../../domain/notification-log.ts'
import type { StatusReason } from '../../domain/reason.ts'

/** (source, notificationId) is the identity of a notification. */
export interface NotificationIdentity {
  notificationId: string
  source: string
}

/** A call as the provider's ledger has it. */
export interface ProviderCall {
  sequence: number
  provider: string
  channel: Channel
  /** As the caller named it; null where it did not. */
  deliveryId: string | null
  verdict: 'accepted' | 'refused' | 'none'
  providerMessageId: string | null
  receivedAtMs: number
}

/** A row of `notifications`. */
export interface LoggedNotification extends NotificationIdentity {
  decision: DecisionKind
  reason: StatusReason | null
  suppressedChannels: readonly SuppressedChannel[]
  deliveryIds: readonly string[]
}

/** A row of `deliveries`. */
export interface LoggedDelivery {
  deliveryId: string
  channel: Channel
  state: DeliveryState
  reason: StatusReason | null
  provider: string | null
  providerMessageId: string | null
  /** Of the event. */
  createdAtMs: number
  /** What was reported of it since, as the states that reports are called by. */
  reported: readonly DeliveryState[]
}

/** A record of the status topic. */
export interface PublishedStatus extends NotificationIdentity {
  statusId: string
  deliveryId: string | null
  channel: Channel | RequestChannel | null
  status: Status
  reason: StatusReason | null
  plannedDeliveries: number | null
  /** Reported of a machine and not of a person. */
  automatic: boolean
}

export const reportedKinds = ['delivered', 'bounced', 'opened', 'clicked', 'unsubscribed'] as const satisfies Status[] &
  DeliveryState[]
export type ReportedKind = (typeof reportedKinds)[number]

/** A report that was really made: a webhook that was taken, a link that was followed. */
export interface MadeReport {
  kind: ReportedKind
  deliveryId: string
}

export interface Evidence {
  published: readonly NotificationIdentity[]
  calls: readonly ProviderCall[]
  /** What was reported after the hand-over. */
  reports: readonly MadeReport[]
  notifications: readonly LoggedNotification[]
  deliveries: readonly LoggedDelivery[]
  /** As they lie on the topic: the same status may come more than once. */
  statuses: readonly PublishedStatus[]
}

export function nameOf({ source, notificationId }: NotificationIdentity): string {
  return `${source}/${notificationId.toLowerCase()}`
}
