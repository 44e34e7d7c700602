/**
 * Deliveries as operators look at them and decide about them: by id, by state, and the resolution of held ones. Never an
 * address.
 */
import type { Channel } from '../domain/channel.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { createOperatorActions, type NewOperatorAction } from './operator-actions.ts'
import { loadStatement } from './statement.ts'
import { dayOfDelivery, isPossibleDay, toStoredDelivery, type StoredDeliveryRow } from './stored-delivery-row.ts'
import { groupByDay, timestampOf } from './values.ts'

const loadStatementOfDeliveries = loadStatement('load-deliveries')
const listStatement = loadStatement('list-deliveries')
const resolveStatement = loadStatement('resolve-held-delivery')

export interface DeliveryListing {
  state: DeliveryState
  channel: Channel | null
  /** Unix ms: of events created since then. */
  sinceMs: number
  limit: number
}

export interface HeldResolution {
  deliveryId: string
  /** The hop at which it was held when the person decided. */
  hop: number
  state: 'sent' | 'retrying'
  /** Recorded in the same transaction. */
  action: NewOperatorAction
}

/** The deliveries with these ids that have a row, in one round trip for each of their days. */
export async function loadDeliveries(
  pool: Queryable,
  deliveryIds: readonly string[],
): Promise<Map<string, StoredDelivery>> {
  const found = new Map<string, StoredDelivery>()
  const askable = [...new Set(deliveryIds.filter(isPossibleDay))]
  for (const [day, ids] of groupByDay(askable, dayOfDelivery)) {
    const rows = await pool.query<StoredDeliveryRow>(loadStatementOfDeliveries, [day, ids])
    for (const row of rows) found.set(row.delivery_id, toStoredDelivery(row))
  }
  return found
}

/** The one that changed last first. */
export async function listDeliveries(pool: Queryable, listing: DeliveryListing): Promise<StoredDelivery[]> {
  const { state, channel, sinceMs, limit } = listing
  const rows = await pool.query<StoredDeliveryRow>(listStatement, [state, channel, timestampOf(sinceMs), limit])
  return rows.map(toStoredDelivery)
}

/**
 * Moves a held row, if it is still held, and records who did it.
 * @param beforeCommit what must have happened before the row is seen to have moved; its failure undoes the move.
 * @returns the row afterwards; undefined where it was not held any more: then nothing is recorded either.
 */
export async function resolveHeldDelivery(
  pool: HotPathPool,
  { deliveryId, hop, state, action }: HeldResolution,
  beforeCommit: (row: StoredDelivery) => Promise<void> = () => Promise.resolve(),
): Promise<StoredDelivery | undefined> {
  return pool.transaction(async (connection) => {
    const values = [dayOfDelivery(deliveryId), deliveryId, hop, state]
    const [row] = await connection.query<StoredDeliveryRow>(resolveStatement, values)
    if (row === undefined) return undefined
    const actions = createOperatorActions(connection)
    await actions.end(await actions.begin(action), { resolved: 1 })
    const resolved = toStoredDelivery(row)
    await beforeCommit(resolved)
    return resolved
  })
}
