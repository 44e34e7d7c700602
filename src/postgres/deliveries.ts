/**
 * The deliveries in Postgres: claims and settlements, the two statements that every send stands between.
 *
 * A delivery's day, and so its partition, is read from its id. Each call is one round trip per day among its deliveries.
 * Two statements over the same rows wait for each other; should they ever deadlock, Postgres ends one, which comes out as
 * unavailable and is tried again.
 */
import type { ClaimAction, ClaimContext, ClaimRequest, ClaimVerdict } from '../domain/claim.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import { createdAtMsOf, dayOf } from '../domain/identity.ts'
import type { StatusReason } from '../domain/reason.ts'
import type { SettledDelivery, Settlement } from '../domain/settlement.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { assertDistinct, column, groupByDay, timestampOrNull, withoutNul } from './values.ts'

const claimStatement = loadStatement('claim-deliveries')
const settleStatement = loadStatement('settle-deliveries')

export interface Deliveries {
  /**
   * Asks for each record what to do with it, and writes what follows; committed when it answers. The lease counts from
   * Postgres's start of the statement, so it may be measured from just before the call.
   * An `unknown` spends an attempt: nobody can tell that the lease that ended made no call.
   * @param requests no two with the same delivery id (throws), nor any whose delivery is in another claim under way.
   * @returns one verdict per request, in order; `again` and a missing row come without `row`.
   */
  claim(context: ClaimContext, requests: readonly ClaimRequest[]): Promise<ClaimVerdict[]>
  /**
   * Writes what became of claimed hops: only over a row at that hop, and only to a higher rank. Frees the lease. The
   * first provider message id stays. `moved` says whether the rank rose; the next hop may be published only if the row
   * is `retrying` at the settlement's hop, moved or not.
   * @param settlements no two with the same delivery id (throws).
   * @returns the rows as they are then, in order; nothing for a delivery that has no row.
   */
  settle(settlements: readonly Settlement[]): Promise<SettledDelivery[]>
}

export function createDeliveries(pool: Queryable): Deliveries {
  async function claim(context: ClaimContext, requests: readonly ClaimRequest[]): Promise<ClaimVerdict[]> {
    assertDistinct(requests, keyOf, 'claims')
    const verdictOf = new Map<string, ClaimVerdict>()
    for (const [day, requestsOfDay] of groupByDay(requests, dayOfDelivery)) {
      const { channel, owner, leaseMs } = context
      const values = [day, ...requestColumns(requestsOfDay), channel, owner, leaseMs]
      const rows = await pool.query<ClaimRow>(claimStatement, values)
      for (const row of rows) verdictOf.set(row.delivery_id, toVerdict(row))
    }
    return inOrderOf(requests, verdictOf)
  }

  async function settle(settlements: readonly Settlement[]): Promise<SettledDelivery[]> {
    assertDistinct(settlements, keyOf, 'settlements')
    const settledOf = new Map<string, SettledDelivery>()
    for (const [day, settlementsOfDay] of groupByDay(settlements, dayOfDelivery)) {
      const rows = await pool.query<SettledRow>(settleStatement, [day, ...settlementColumns(settlementsOfDay)])
      for (const row of rows) settledOf.set(row.delivery_id, toSettled(row))
    }
    return inOrderOf(settlements, settledOf)
  }

  return { claim, settle }
}

interface Identified {
  deliveryId: string
}

function dayOfDelivery({ deliveryId }: Identified): string {
  return dayOf(createdAtMsOf(deliveryId))
}

/** Postgres answers uuids in lower case, in whatever form they were asked for. */
function keyOf({ deliveryId }: Identified): string {
  return deliveryId.toLowerCase()
}

function inOrderOf<Answer>(asked: readonly Identified[], answerOf: Map<string, Answer>): Answer[] {
  return asked.flatMap((item) => answerOf.get(keyOf(item)) ?? [])
}

/** In the order of `record` in claim-deliveries.sql. */
function requestColumns(requests: readonly ClaimRequest[]): unknown[][] {
  return [
    column(requests, (request) => request.deliveryId),
    column(requests, (request) => request.hop),
    column(requests, (request) => request.userId),
    column(requests, (request) => request.category),
    column(requests, (request) => request.addressHash),
    column(requests, (request) => request.redrive),
    column(requests, (request) => timestampOrNull(request.quietFrom)),
    column(requests, (request) => timestampOrNull(request.quietUntil)),
  ]
}

/** In the order of `settlement` in settle-deliveries.sql. What a provider said may hold any character. */
function settlementColumns(settlements: readonly Settlement[]): unknown[][] {
  return [
    column(settlements, (settlement) => settlement.deliveryId),
    column(settlements, (settlement) => settlement.hop),
    column(settlements, (settlement) => settlement.state),
    column(settlements, (settlement) => withoutNul(settlement.reason)),
    column(settlements, (settlement) => settlement.attemptsSpent),
    column(settlements, (settlement) => timestampOrNull(settlement.nextDueAtMs)),
    column(settlements, (settlement) => withoutNul(settlement.provider)),
    column(settlements, (settlement) => withoutNul(settlement.providerMessageId)),
  ]
}

type ClaimRow = { delivery_id: string; action: ClaimAction; attempts_max: number | null; mandatory: boolean } & (
  | AnsweredRow
  | { state: null }
)

interface AnsweredRow {
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  next_due_at: number | null
  provider: string | null
  provider_message_id: string | null
}

function toVerdict(row: ClaimRow): ClaimVerdict {
  const { delivery_id: deliveryId, action, attempts_max: attemptsMax, mandatory } = row
  if (row.state === null) return { deliveryId, action, attemptsMax, mandatory }
  const { state, hop, attempt, reason, provider } = row
  return {
    deliveryId,
    action,
    attemptsMax,
    mandatory,
    row: {
      state,
      hop,
      attempt,
      reason,
      nextDueAtMs: row.next_due_at,
      provider,
      providerMessageId: row.provider_message_id,
    },
  }
}

interface SettledRow {
  delivery_id: string
  moved: boolean
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  next_due_at: number | null
  provider: string | null
}

function toSettled(row: SettledRow): SettledDelivery {
  const { delivery_id: deliveryId, moved, state, hop, attempt, reason, provider } = row
  return { deliveryId, moved, state, hop, attempt, reason, nextDueAtMs: row.next_due_at, provider }
}
