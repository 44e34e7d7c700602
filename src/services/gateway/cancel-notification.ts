/**
 * Taking a notification back: by the same transaction as the command and the event, and an answer that says what it
 * found.
 */
import type { Cancellation } from '../../domain/cancellation.ts'
import { dayOf } from '../../domain/identity.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { futureToleranceMs, oldestRequestMs } from '../../domain/request-validation.ts'
import { cancelAndTell, type CancelPorts as RouterCancelPorts } from '../router/cancel.ts'
import type { CancelRequest } from '../router/decode.ts'
import type { AuthenticatedApp } from './caller.ts'
import { findNotification, notItsOwn, visibleSource, type FindPorts } from './find-notifications.ts'

export type CancelPorts = RouterCancelPorts &
  Pick<FindPorts, 'loadTimeline'> & {
    publish(records: readonly OutgoingRecord[]): Promise<void>
  }

export interface CancelQuestion {
  notificationId: string
  caller: AuthenticatedApp
  source: string | undefined
  /** Of one that has not been decided yet: both, or it cannot be named. */
  pending: { userId: number; createdAtMs: number } | undefined
}

/** A crash before the statuses are published: the same request once more publishes them. */
export async function cancelNotification(
  question: CancelQuestion,
  ports: CancelPorts,
): Promise<{ kind: 'cancelled'; cancellation: Cancellation } | { kind: 'refused'; refusal: Refusal }> {
  const request = await requestOf(question, ports)
  if ('kind' in request) return { kind: 'refused', refusal: request }
  const { found, statuses } = await cancelAndTell(request, ports)
  await ports.publish(statuses)
  return { kind: 'cancelled', cancellation: found }
}

async function requestOf(question: CancelQuestion, ports: CancelPorts): Promise<CancelRequest | Refusal> {
  const { caller, source, pending } = question
  const found = await findNotification(question, ports)
  if (!('kind' in found)) {
    const { notificationId, day, userId, createdAtMs, lane } = found
    const key = { notificationId, source: found.source, day }
    return { key, event: { userId, createdAt: createdAtMs ?? Date.parse(day) }, lane: lane ?? 'transactional' }
  }
  if (found.kind !== 'not_found' || pending === undefined) return found
  const visible = visibleSource(caller, source)
  if (visible === undefined) return notItsOwn
  if (!mayStillCome(pending.createdAtMs, ports.now())) {
    return { kind: 'invalid', faults: [{ field: 'query/createdAt', expected: 'a time at which it may still come' }] }
  }
  const { userId, createdAtMs: createdAt } = pending
  const notificationId = question.notificationId.toLowerCase()
  // Its lane is known when it comes; nothing is published for it before.
  return {
    key: { notificationId, source: visible.source ?? caller.appKey, day: dayOf(createdAt) },
    event: { userId, createdAt },
    lane: 'transactional',
  }
}

/** Outside of it the router refuses the request, so there is nothing to cancel, and perhaps no partition for its day. */
function mayStillCome(createdAtMs: number, nowMs: number): boolean {
  return createdAtMs >= nowMs - oldestRequestMs && createdAtMs <= nowMs + futureToleranceMs
}
