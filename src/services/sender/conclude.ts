/**
 * What an outcome comes to: the one switch from a provider's answer to a settlement.
 *
 * A definite no that may turn into a yes goes up the ladder and spends an attempt, unless the provider named the time:
 * then it only spends a hop. Nobody's answer is the policy's to decide. What would be due after the expiry is expired
 * now, and what has no attempt left has failed and is kept whole in the dead letters.
 */
import type { UnknownPolicy } from '../../domain/delivery-command.ts'
import type { Digest } from '../../domain/identity.ts'
import type { Outcome } from '../../domain/provider.ts'
import { nextTry } from '../../domain/retry-ladder.ts'
import type { Settlement } from '../../domain/settlement.ts'

export interface Attempted {
  deliveryId: string
  hop: number
  /** Attempts spent before this one. */
  attemptsBefore: number
  attemptsMax: number
  unknownPolicy: UnknownPolicy
  /** Unix ms. */
  expiresAt: number
  nowMs: number
}

export type Conclusion = Pick<
  Settlement,
  'state' | 'reason' | 'attemptsSpent' | 'nextDueAtMs' | 'providerMessageId'
> & {
  /** Whether the record goes to the channel's dead letters when the settlement stands. */
  deadLettered: boolean
}

/** `held`: the account is at fault and not the delivery; it keeps its claim and is tried again. */
export function conclude(outcome: Outcome, attempted: Attempted, sha256: Digest): Conclusion | 'held' {
  switch (outcome.kind) {
    case 'accepted':
      return { ...final('sent', null), attemptsSpent: 1, providerMessageId: outcome.providerMessageId }
    case 'rejected':
      return { ...final('failed', outcome.reason), attemptsSpent: 1 }
    case 'retry': {
      const attemptsSpent = outcome.notBeforeMs === undefined ? 1 : 0
      return again({ ...attempted, reason: outcome.reason, attemptsSpent, notBeforeMs: outcome.notBeforeMs }, sha256)
    }
    case 'unknown':
      return attempted.unknownPolicy === 'hold'
        ? { ...final('unknown', 'ambiguous'), attemptsSpent: 1 }
        : again({ ...attempted, reason: 'ambiguous', attemptsSpent: 1, notBeforeMs: undefined }, sha256)
    case 'misconfigured':
      return 'held'
  }
}

interface Again extends Attempted {
  reason: NonNullable<Settlement['reason']>
  attemptsSpent: 0 | 1
  notBeforeMs: number | undefined
}

function again(failed: Again, sha256: Digest): Conclusion {
  const { attemptsSpent, reason } = failed
  const attempt = failed.attemptsBefore + attemptsSpent
  if (attempt >= failed.attemptsMax) {
    return { ...final('failed', 'attempts_exhausted'), attemptsSpent, deadLettered: true }
  }
  const { dueAtMs } = nextTry({ ...failed, attempt }, sha256)
  if (dueAtMs >= failed.expiresAt) return { ...final('expired', 'past_expiry'), attemptsSpent }
  return { ...final('retrying', reason), attemptsSpent, nextDueAtMs: dueAtMs }
}

function final(state: Settlement['state'], reason: Settlement['reason']): Conclusion {
  return { state, reason, attemptsSpent: 0, nextDueAtMs: null, providerMessageId: null, deadLettered: false }
}
