/**
 * Claims and settlements, of which a test says only what matters to it.
 */
import { randomUUID } from 'node:crypto'
import type { ClaimContext, ClaimRequest } from '../../../src/domain/claim.ts'
import type { Settlement } from '../../../src/domain/settlement.ts'

export const addressHash = Uint8Array.from({ length: 32 }, (_, index) => index)

/** A claim of SMS by a new owner, with a lease of a minute. */
export function claimContext(choices: Partial<ClaimContext> = {}): ClaimContext {
  return { channel: 'sms', owner: randomUUID(), leaseMs: 60_000, ...choices }
}

/** The first record of a delivery to user 7. */
export function claimRequest(choices: Partial<ClaimRequest> & { deliveryId: string }): ClaimRequest {
  return {
    hop: 1,
    userId: 7,
    category: 'receipts',
    addressHash,
    redrive: false,
    quietFrom: null,
    quietUntil: null,
    ...choices,
  }
}

/** An acceptance at hop 1. */
export function settlement(choices: Partial<Settlement> & { deliveryId: string }): Settlement {
  return {
    hop: 1,
    state: 'sent',
    reason: null,
    attemptsSpent: 1,
    nextDueAtMs: null,
    provider: 'twilio',
    providerMessageId: 'SM1',
    ...choices,
  }
}
