/**
 * Rows of `deliveries` in any state, written past the adapters, so that a test can begin where it wants to.
 */
import { randomUUID } from 'node:crypto'
import type { DeliveryState } from '../../../src/domain/delivery-state.ts'
import type { TestDatabase } from '../database.ts'
import { dayMs, plannedDelivery } from './log-entry.ts'

export interface DeliveryRow {
  createdAtMs: number
  userId: number
  category: string
  state: DeliveryState
  hop: number
  attempt: number
  reason: string | null
  unknownPolicy: 'resend' | 'hold'
  expiresInMs: number
  leaseOwner: string | null
  /** From now; negative for a lease that has ended. */
  leaseEndsInMs: number | null
  nextDueInMs: number | null
  provider: string | null
  providerMessageId: string | null
  cancelRequested: boolean
}

/** Writes one row and returns its delivery id. Without choices: routed just now, at hop 0. */
export async function insertDelivery(database: TestDatabase, choices: Partial<DeliveryRow> = {}): Promise<string> {
  const row: DeliveryRow = {
    createdAtMs: Date.now(),
    userId: 7,
    category: 'receipts',
    state: 'routed',
    hop: 0,
    attempt: 0,
    reason: null,
    unknownPolicy: 'resend',
    expiresInMs: dayMs,
    leaseOwner: null,
    leaseEndsInMs: null,
    nextDueInMs: null,
    provider: null,
    providerMessageId: null,
    cancelRequested: false,
    ...choices,
  }
  const notificationId = randomUUID()
  const { deliveryId } = plannedDelivery({ notificationId, source: 'shop', createdAtMs: row.createdAtMs })
  await database.query(
    `insert into deliveries (delivery_id, day, notification_id, source, user_id, category, lane, channel, address,
       template_id, template_version, locale, unknown_policy, expires_at, created_at, routed_at, updated_at,
       state, hop, attempt, reason, lease_owner, lease_until, next_due_at, provider, provider_message_id, cancel_requested)
     values ($1, (to_timestamp($2 / 1000.0) at time zone 'utc')::date, $3, 'shop', $4, $5, 'transactional', 'sms',
       '+14155550100', 'receipt', 3, 'en', $6, now() + $7 * interval '1 ms', to_timestamp($2 / 1000.0), now(), now(),
       $8, $9, $10, $11, $12, now() + $13 * interval '1 ms', now() + $14 * interval '1 ms', $15, $16, $17)`,
    [
      deliveryId,
      row.createdAtMs,
      notificationId,
      row.userId,
      row.category,
      row.unknownPolicy,
      row.expiresInMs,
      row.state,
      row.hop,
      row.attempt,
      row.reason,
      row.leaseOwner,
      row.leaseEndsInMs,
      row.nextDueInMs,
      row.provider,
      row.providerMessageId,
      row.cancelRequested,
    ],
  )
  return deliveryId
}

/** The columns that claims and settlements write. */
export interface DeliveryProgress {
  state: DeliveryState
  hop: number
  attempt: number
  reason: string | null
  lease_owner: string | null
  /** Whether the lease lasts. */
  leased: boolean | null
  next_due_at: Date | null
  provider: string | null
  provider_message_id: string | null
}

export async function progressOf(database: TestDatabase, deliveryId: string): Promise<DeliveryProgress> {
  const [row] = await database.query<DeliveryProgress>(
    `select state, hop, attempt, reason, lease_owner, lease_until > now() as leased, next_due_at, provider,
       provider_message_id
     from deliveries where delivery_id = $1`,
    [deliveryId],
  )
  if (row === undefined) throw new Error(`no delivery ${deliveryId}`)
  return row
}
