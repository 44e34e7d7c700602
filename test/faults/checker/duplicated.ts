/**
 * Duplicated: accepted calls beyond the first of a delivery, against what the run's crashes and lost answers allow.
 *
 * The allowance comes from the harness and the ledger alone (what was in flight when a process died, and accepted calls
 * whose caller got no answer in time), never from what Fanfare says. What it says must explain each of them all the
 * same: a delivery that was called again was declared ambiguous, and its policy is to send again.
 */
import type { Evidence } from './evidence.ts'
import type { ProviderCall } from './observations.ts'
import type { Violation } from './report.ts'
import { isAmbiguous } from './words.ts'

export interface Duplicates {
  duplicated: number
  allowed: number
  violations: Violation[]
}

export function countDuplicates(evidence: Evidence): Duplicates {
  const accepted = Map.groupBy(
    evidence.calls.filter(({ verdict }) => verdict === 'accepted'),
    ({ deliveryId, sequence }) => deliveryId?.toLowerCase() ?? `call ${sequence}`,
  )
  const repeated = [...accepted].filter(([, calls]) => calls.length > 1)
  const { schedule } = evidence
  const inFlight = schedule.kills.reduce((sum, kill) => sum + kill.inFlight, 0)
  const unanswered = evidence.calls.filter((call) => isAcceptedUnheard(call, schedule.answerTimeoutMs)).length
  return {
    duplicated: repeated.reduce((sum, [, calls]) => sum + calls.length - 1, 0),
    allowed: inFlight + unanswered + schedule.lostAnswers,
    violations: repeated.flatMap(([deliveryId]) => unexplained(deliveryId, evidence)),
  }
}

function isAcceptedUnheard(
  { verdict, receivedAtMs, answeredAtMs }: Pick<ProviderCall, 'verdict' | 'receivedAtMs' | 'answeredAtMs'>,
  answerTimeoutMs: number,
): boolean {
  if (verdict !== 'accepted') return false
  return answeredAtMs === null || answeredAtMs - receivedAtMs >= answerTimeoutMs
}

function unexplained(deliveryId: string, evidence: Evidence): Violation[] {
  const row = evidence.rowOf.get(deliveryId)
  const broken = (rule: string): Violation[] => [{ kind: 'duplicated', rule, subject: deliveryId }]
  if (!evidence.statuses.ofDelivery(deliveryId).some(isAmbiguous)) {
    return broken('called again without having been declared ambiguous')
  }
  return row?.unknownPolicy === 'hold' ? broken('called again although the policy is to hold') : []
}
