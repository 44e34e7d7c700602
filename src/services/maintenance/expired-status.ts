/**
 * The status of a swept delivery: what a sender would publish again from the same row, so both have one id.
 */
import type { Digest } from '../../domain/identity.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import { deliveryStatus } from '../../domain/status-record.ts'
import type { StoredDelivery } from '../../domain/stored-delivery.ts'

export function expiredStatus(row: StoredDelivery, occurredAt: number, sha1: Digest): DeliveryStatus {
  const { hop, attempt, provider, reason } = row
  return deliveryStatus(row, { status: 'expired', reason, hop, attempt, provider, segments: null, occurredAt }, sha1)
}
