/**
 * Rows of `deliveries` as the statements for operators and maintenance return them: everything but the address.
 */
import type { Channel, Lane } from '../domain/channel.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import { createdAtMsOf, dayOf } from '../domain/identity.ts'
import type { StatusReason } from '../domain/reason.ts'
import type { DeliveryProgress, StoredDelivery } from '../domain/stored-delivery.ts'
import { safeIntegerOf } from './values.ts'

/** The columns that tell how far a delivery has come. */
export interface DeliveryProgressRow {
  delivery_id: string
  channel: Channel
  template_id: string
  template_version: number
  locale: string
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  next_due_at: number | null
  lease_until: number | null
  provider: string | null
  provider_message_id: string | null
  expires_at: number
  updated_at: number
}

export interface StoredDeliveryRow extends DeliveryProgressRow {
  notification_id: string
  source: string
  user_id: string
  category: string
  lane: Lane
  created_at: number
}

export function toStoredDelivery(row: StoredDeliveryRow): StoredDelivery {
  return {
    ...toDeliveryProgress(row),
    notificationId: row.notification_id,
    source: row.source,
    userId: safeIntegerOf(row.user_id),
    category: row.category,
    lane: row.lane,
    createdAt: row.created_at,
  }
}

export function toDeliveryProgress(row: DeliveryProgressRow): DeliveryProgress {
  return {
    deliveryId: row.delivery_id,
    channel: row.channel,
    templateId: row.template_id,
    templateVersion: row.template_version,
    locale: row.locale,
    state: row.state,
    hop: row.hop,
    attempt: row.attempt,
    reason: row.reason,
    nextDueAtMs: row.next_due_at,
    leaseUntilMs: row.lease_until,
    provider: row.provider,
    providerMessageId: row.provider_message_id,
    expiresAtMs: row.expires_at,
    updatedAtMs: row.updated_at,
  }
}

/** An id that no event can have made yet, or ever: its day would be no date, so no row is asked for. */
export function isPossibleDay(deliveryId: string): boolean {
  return createdAtMsOf(deliveryId) < lastDayMs
}

/** 9999-12-31, the last that four digits write. */
const lastDayMs = 253_402_214_400_000

export function dayOfDelivery(deliveryId: string): string {
  return dayOf(createdAtMsOf(deliveryId))
}
