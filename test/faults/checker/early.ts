/**
 * Early: a call before its time, or after it: before the event, before the moment that the app asked for, inside the
 * wait of a retry, or past expiry.
 */
import type { Evidence } from './evidence.ts'
import type { ProviderCall, RetryRecord } from './observations.ts'
import type { Violation } from './report.ts'
import { isAmbiguous, nameOf } from './words.ts'

export function findEarly(evidence: Evidence): Violation[] {
  const retriesOf = Map.groupBy(evidence.retries, ({ deliveryId }) => deliveryId)
  return evidence.calls.flatMap((call) => {
    const deliveryId = call.deliveryId?.toLowerCase()
    const row = deliveryId === undefined ? undefined : evidence.rowOf.get(deliveryId)
    if (row === undefined) return []
    const broken = [
      ...outsideItsTime(call, nameOf(row), row, evidence),
      ...insideAWait(call, retriesOf.get(row.deliveryId) ?? [], evidence),
    ]
    return broken.map((rule): Violation => ({ kind: 'early', rule, subject: row.deliveryId }))
  })
}

function outsideItsTime(
  { receivedAtMs }: ProviderCall,
  name: string,
  row: { createdAt: number; expiresAt: number },
  { requestsOf, schedule }: Evidence,
): string[] {
  const { skewAllowedMs, expiryGraceMs } = schedule
  const broken: string[] = []
  if (receivedAtMs < row.createdAt - skewAllowedMs) broken.push('called before the event')
  // Copies are byte for byte the same, unless the id was used twice: the earliest moment is then the lawful one.
  const sendAt = Math.min(...(requestsOf.get(name) ?? []).map((event) => event.sendAt ?? -Infinity), Infinity)
  if (Number.isFinite(sendAt) && receivedAtMs < sendAt - skewAllowedMs) broken.push('called before sendAt')
  if (receivedAtMs > row.expiresAt + expiryGraceMs + skewAllowedMs) broken.push('called after expiry')
  return broken
}

/**
 * From the first publication of a hop to its due time nobody may call. Of a hop's records the first counts: one that is
 * put back unchanged, since somebody else holds the lease, has a later due time, and that other one may be calling. Hop
 * 1 comes from the router and waits for nothing.
 *
 * A doubt waits as well, and its call may arrive after it was given up: each hop calls once, so with fewer calls before
 * it than hops it is that one.
 */
function insideAWait(call: ProviderCall, retries: readonly RetryRecord[], evidence: Evidence): string[] {
  const { receivedAtMs } = call
  const deliveryId = call.deliveryId?.toLowerCase() ?? ''
  const isDoubtful = evidence.statuses.ofDelivery(deliveryId).some(isAmbiguous)
  const ordinal = evidence.callsOf(deliveryId).filter(({ sequence }) => sequence <= call.sequence).length
  const byHop = Map.groupBy(
    retries.filter(({ hop }) => hop > 1),
    ({ hop }) => hop,
  )
  const inside = [...byHop].some(([hop, records]) => {
    if (isDoubtful && ordinal < hop) return false
    const publishedAt = Math.min(...records.map((record) => record.publishedAt))
    const dueAt = Math.min(...records.map((record) => record.dueAt))
    return receivedAtMs >= publishedAt && receivedAtMs < dueAt - evidence.schedule.skewAllowedMs
  })
  return inside ? ['called inside the wait of a retry'] : []
}
