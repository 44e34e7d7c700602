/**
 * The record on the public status topic: one decision or one step. Times are Unix milliseconds.
 */
import type { Channel, Lane, RequestChannel } from './channel.ts'
import type { StatusReason } from './reason.ts'

export const statuses = [
  'duplicate',
  'deferred',
  'suppressed',
  'routed',
  'retrying',
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
  'failed',
  'unknown',
  'expired',
  'cancelled',
] as const
export type Status = (typeof statuses)[number]

/** Where a record lies. */
export interface OriginalRecord {
  topic: string
  partition: number
  offset: number
}

export interface DeliveryStatus {
  /** Consumers drop a statusId that they have seen: every record may come more than once. */
  statusId: string
  notificationId: string
  /** Null for a decision about the whole notification or about a channel before it became deliveries. */
  deliveryId: string | null
  userId: number
  source: string
  category: string
  /** `push` only for a decision that came before the devices. */
  channel: Channel | RequestChannel | null
  lane: Lane
  status: Status
  reason: StatusReason | null
  templateId: string | null
  templateVersion: number | null
  locale: string | null
  provider: string | null
  /** Attempts spent so far; 0 before the first. */
  attempt: number
  /** SMS segments, where the message is one. */
  segments: number | null
  linkId: string | null
  /** On `opened` and `clicked`: a machine did it (mail privacy proxy, link scanner), as far as that can be told. */
  automatic: boolean
  /** On `routed`: how many deliveries follow. */
  plannedDeliveries: number | null
  /** What the reason is about: the variable that is missing. Never an address or a text. */
  detail: string | null
  /** On `duplicate`: the record that came first. */
  original: OriginalRecord | null
  createdAt: number
  occurredAt: number
}
