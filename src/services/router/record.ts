/**
 * Stage 6, record: log rows and deliveries in one statement, before anything is forwarded.
 *
 * A crash before it: nothing happened, the records are decided anew. A crash after it: the same records find their rows
 * and are forwarded again from them. Losers of a race with another router are not in this statement's snapshot; they
 * go through look up again and are then redelivered, duplicate or cancelled.
 */
import type { Resumption } from '../../domain/notification-log.ts'
import { idOf } from './look-up.ts'
import type { Decided } from './enrich.ts'
import type { Request } from './decode.ts'
import type { NotificationLog } from './ports.ts'

export interface Recorded {
  won: Decided[]
  lost: Request[]
}

/** @param decided distinct by (notificationId, source). */
export async function record(decided: readonly Decided[], log: NotificationLog): Promise<Recorded> {
  if (decided.length === 0) return { won: [], lost: [] }
  const winners = await log.record(
    decided.map(({ request, decision, decidedAtMs, category }) => ({
      ...request.key,
      coordinates: request.coordinates,
      pass: request.pass,
      userId: request.event.userId,
      category: request.event.category,
      createdAtMs: request.event.createdAt,
      decidedAtMs,
      decision,
      contentHash: request.contentHash,
      resumption: resumptionOf(request, decision, category),
    })),
  )
  const won = new Set(winners.map(idOf))
  return {
    won: decided.filter(({ request }) => won.has(idOf(request.key))),
    lost: decided.filter(({ request }) => !won.has(idOf(request.key))).map(({ request }) => request),
  }
}

/** The same bytes again, on the lane of their category, whichever topic they came by first. */
function resumptionOf(
  { record, lane }: Request,
  decision: Decided['decision'],
  category: Decided['category'],
): Resumption | null {
  if (decision.kind !== 'deferred' || record.value === null) return null
  return { lane: category?.lane ?? lane, value: record.value }
}
