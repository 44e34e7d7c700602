/**
 * The notification log: one row per (notificationId, source, day) that says what was decided and which record won.
 *
 * The first writer of a pass wins. Its coordinates tell a redelivery of the same record (forward again what was
 * decided) from another record with the same id (a duplicate of the producer's).
 */
import type { Channel, Lane, RequestChannel } from './channel.ts'
import type { DeliveryState } from './delivery-state.ts'
import type { UnknownPolicy } from './delivery-command.ts'
import type { DeferralReason, RequestReason, StatusReason, SuppressionReason } from './reason.ts'

/** Where a requested record lies: its topic by lane, its partition, its offset. */
export interface Coordinates {
  lane: Lane
  partition: number
  offset: bigint
}

/** What a row has whose cancel came before its request: no record lies there. */
export const noCoordinates: Coordinates = { lane: 'transactional', partition: -1, offset: -1n }

export const decisionKinds = ['routed', 'deferred', 'suppressed', 'failed', 'expired', 'cancelled'] as const
export type DecisionKind = (typeof decisionKinds)[number]

/** A channel that gets nothing although the request asked for it, `push` before it became devices. */
export interface SuppressedChannel {
  channel: RequestChannel
  reason: SuppressionReason
}

export interface NotificationKey {
  notificationId: string
  source: string
  /** UTC day of createdAt. */
  day: string
}

/** A planned delivery: all that a command needs besides the event. Times are Unix milliseconds. */
export interface PlannedDelivery {
  deliveryId: string
  channel: Channel
  /** The category's, whichever topic the request came by. */
  lane: Lane
  address: string
  deviceId: string | null
  templateId: string
  templateVersion: number
  locale: string
  quietFrom: number | null
  quietUntil: number | null
  unknownPolicy: UnknownPolicy
  expiresAt: number
}

/** What the router decided about one event in one pass, complete enough to forward it again after a crash. */
export interface RoutingDecision {
  kind: DecisionKind
  /** Null for `routed`. */
  reason: RequestReason | DeferralReason | StatusReason | null
  /** What the reason is about, a word without personal data: the variable that is missing. */
  detail: string | null
  /** Of `deferred`: when it is to be decided again, Unix ms. */
  deferredUntilMs: number | null
  deliveries: PlannedDelivery[]
  suppressedChannels: SuppressedChannel[]
}

export interface NewLogEntry extends NotificationKey {
  coordinates: Coordinates
  pass: number
  userId: number
  category: string
  createdAtMs: number
  /** When the router decided: `routedAt` of every command. */
  decidedAtMs: number
  decision: RoutingDecision
  /** Of the request's bytes without those that name its schema: another encoding of the same fields is another content. */
  contentHash: Uint8Array
  /** Of `deferred`: what the scheduler publishes when its time has come. */
  resumption: Resumption | null
}

/** The same record again, on the topic of a lane. */
export interface Resumption {
  lane: Lane
  value: Uint8Array
}

/** A row as the look-up finds it. */
export interface LogEntry extends NotificationKey {
  coordinates: Coordinates
  pass: number
  decidedAtMs: number
  cancelledAtMs: number | null
  decision: RoutingDecision
  /** Null where a cancel came before its request. */
  contentHash: Uint8Array | null
  /** The states of the decision's deliveries, by delivery id. */
  stateOf: Record<string, DeliveryState>
}
