/**
 * The claim: one record of a channel topic asks its row whether it may be sent now.
 *
 * Row and record carry `hop`, the fence: the router forwards hop 1 over a row at hop 0, and every further forward is
 * one more. The database answers one action per record, in one snapshot.
 */
import type { RequestChannel } from './channel.ts'
import type { DeliveryState } from './delivery-state.ts'
import type { StatusReason } from './reason.ts'

export interface ClaimRequest {
  deliveryId: string
  hop: number
  userId: number
  category: string
  /** Keyed hash of the address, as `suppressions` holds it. */
  addressHash: Uint8Array
  /** The record comes back from the dead-letter topic by an operator's hand. */
  redrive: boolean
  /** Unix ms. */
  quietFrom: number | null
  quietUntil: number | null
}

/** What one claim statement shares over its records. */
export interface ClaimContext {
  channel: RequestChannel
  /** Identifies this claim, not this process: asked again after a lost answer, the same claim is granted again. */
  owner: string
  /** Counted by Postgres's clock from the statement on. */
  leaseMs: number
}

/**
 * - claim: ours until the lease ends; send it.
 * - expired, cancelled, suppressed, opted_out: settled so by the claim itself.
 * - quiet: inside the person's quiet window; the row waits as `retrying` until `nextDueAtMs`.
 * - republish: final already; publish its status again.
 * - next: waiting at this hop; publish the next record again from the row.
 * - put_back: somebody else's lease at this hop is live.
 * - unknown: a lease at this hop ended without a result.
 * - stale: a later record carries it.
 * - no_row: no row, or a gap in the hops.
 * - again: the row moved after the snapshot; ask again.
 */
export const claimActions = [
  'claim',
  'expired',
  'cancelled',
  'suppressed',
  'opted_out',
  'quiet',
  'republish',
  'next',
  'put_back',
  'unknown',
  'stale',
  'no_row',
  'again',
] as const
export type ClaimAction = (typeof claimActions)[number]

export interface ClaimVerdict {
  deliveryId: string
  action: ClaimAction
  /** The row after the statement; undefined without a row. */
  row?: {
    state: DeliveryState
    hop: number
    attempt: number
    reason: StatusReason | null
    nextDueAtMs: number | null
    provider: string | null
    providerMessageId: string | null
  }
  /** How many attempts the delivery's category allows on this channel, where it says so. */
  attemptsMax: number | null
  /** Whether nobody can leave the delivery's category, as it was when this was judged. */
  mandatory: boolean
}
