/**
 * A delivery as its row tells it, without the address: what operators, sweepers and statuses need to know of it.
 */
import type { Channel, Lane } from './channel.ts'
import type { DeliveryState } from './delivery-state.ts'
import type { StatusReason } from './reason.ts'

/** How far one delivery has come. Times are Unix milliseconds. */
export interface DeliveryProgress {
  deliveryId: string
  channel: Channel
  templateId: string
  templateVersion: number
  locale: string
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  nextDueAtMs: number | null
  leaseUntilMs: number | null
  provider: string | null
  providerMessageId: string | null
  expiresAtMs: number
  updatedAtMs: number
}

export interface StoredDelivery extends DeliveryProgress {
  notificationId: string
  source: string
  userId: number
  category: string
  lane: Lane
  createdAt: number
}
