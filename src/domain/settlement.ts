/**
 * The settlement: what became of a claimed hop, written under the hop's fence.
 */
import type { DeliveryState } from './delivery-state.ts'
import type { StatusReason } from './reason.ts'

export interface Settlement {
  deliveryId: string
  hop: number
  state: Extract<DeliveryState, 'sent' | 'retrying' | 'failed' | 'expired' | 'unknown'>
  reason: StatusReason | null
  /** 1 when the hop spent an attempt, else 0. */
  attemptsSpent: 0 | 1
  /** Unix ms; for `retrying`. */
  nextDueAtMs: number | null
  provider: string | null
  providerMessageId: string | null
}

/** The row after the settlement, also when nothing moved: an answer that was lost is asked again. */
export interface SettledDelivery {
  deliveryId: string
  moved: boolean
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  nextDueAtMs: number | null
  provider: string | null
}
