/**
 * What an outcome comes to: the one switch from a provider's answer to a settlement.
 */
import type { Outcome } from '../../domain/provider.ts'
import type { Settlement } from '../../domain/settlement.ts'

type Verdict = Pick<Settlement, 'state' | 'reason' | 'attemptsSpent' | 'providerMessageId'> & {
  /** Whether the record goes to the channel's dead letters. */
  deadLettered: boolean
}

/** `held`: the account is at fault and not the delivery; it keeps its claim and is tried again. */
export function conclude(outcome: Outcome): Verdict | 'held' {
  switch (outcome.kind) {
    case 'accepted':
      return {
        state: 'sent',
        reason: null,
        attemptsSpent: 1,
        providerMessageId: outcome.providerMessageId,
        deadLettered: false,
      }
    case 'rejected':
      return settled('failed', outcome.reason, false)
    case 'retry':
      // Until there is a retry ladder: failed, and kept whole in the dead letters.
      return settled('failed', outcome.reason, true)
    case 'unknown':
      return settled('unknown', outcome.reason, false)
    case 'misconfigured':
      return 'held'
  }
}

function settled(
  state: Extract<Settlement['state'], 'failed' | 'unknown'>,
  reason: NonNullable<Settlement['reason']>,
  deadLettered: boolean,
): Verdict {
  return { state, reason, attemptsSpent: 1, providerMessageId: null, deadLettered }
}
