/**
 * The suppression list as people look at it and change it. Only keyed hashes, so whoever reads it learns no address.
 */
import type { RequestChannel } from '../domain/channel.ts'
import type { Suppression, SuppressionCause } from '../domain/suppression.ts'
import { build, runBuilt } from './built-statement.ts'
import type { HotPathPool } from './hot-path-pool.ts'
import { createOperatorActions } from './operator-actions.ts'

/** Where a page ended. */
export interface SuppressionPlace {
  addressHash: Uint8Array
  scope: string
  cause: SuppressionCause
}

export interface SuppressionPageOptions {
  channel: RequestChannel
  after: SuppressionPlace | null
  limit: number
}

export interface SuppressionRemoval {
  channel: RequestChannel
  addressHash: Uint8Array
  /** Undefined: whatever it is. */
  scope: string | undefined
  cause: SuppressionCause | undefined
}

export interface SuppressionList {
  /** In the order of their hashes. */
  page(options: SuppressionPageOptions): Promise<Suppression[]>
  /** Reads the whole list of the channel. */
  count(channel: RequestChannel): Promise<{ cause: SuppressionCause; count: number }[]>
  /** All that is on the list of one address. */
  find(address: Pick<Suppression, 'channel' | 'addressHash'>): Promise<Suppression[]>
  /** What is there already stays as it is, and so does its moment. @returns whether it is new. */
  add(suppression: Omit<Suppression, 'sinceMs'>): Promise<boolean>
  /** Recorded with who did it. @returns how many it took off. */
  remove(removal: SuppressionRemoval, operator: string): Promise<number>
}

const key = ['address_hash', 'scope', 'reason'] as const

export function createSuppressionList(pool: HotPathPool): SuppressionList {
  const listed = () => build('suppressions').select(...key, 'channel', 'created_at')

  async function page({ channel, after, limit }: SuppressionPageOptions): Promise<Suppression[]> {
    const query = listed()
      .where({ channel })
      .orderBy([...key])
      .limit(limit)
    if (after !== null) {
      const { addressHash, scope, cause } = after
      void query.whereRaw('(address_hash, scope, reason) > (?, ?, ?)', [Buffer.from(addressHash), scope, cause])
    }
    return (await runBuilt<SuppressionRow>(pool, query)).map(toSuppression)
  }

  async function count(channel: RequestChannel): Promise<{ cause: SuppressionCause; count: number }[]> {
    const rows = await runBuilt<{ reason: SuppressionCause; count: string }>(
      pool,
      build('suppressions').select('reason').count('* as count').where({ channel }).groupBy('reason').orderBy('reason'),
    )
    return rows.map(({ reason, count: counted }) => ({ cause: reason, count: Number(counted) }))
  }

  async function add({ channel, addressHash, scope, cause }: Omit<Suppression, 'sinceMs'>): Promise<boolean> {
    const row = { channel, address_hash: Buffer.from(addressHash), scope, reason: cause }
    const rows = await runBuilt(pool, build('suppressions').insert(row).onConflict().ignore().returning('channel'))
    return rows.length > 0
  }

  function remove({ channel, addressHash, scope, cause }: SuppressionRemoval, operator: string): Promise<number> {
    return pool.transaction(async (connection) => {
      const rows = await runBuilt(
        connection,
        build('suppressions')
          .where({
            channel,
            address_hash: Buffer.from(addressHash),
            ...(scope === undefined ? {} : { scope }),
            ...(cause === undefined ? {} : { reason: cause }),
          })
          .delete()
          .returning('channel'),
      )
      if (rows.length === 0) return 0
      const actions = createOperatorActions(connection)
      const target = Buffer.from(addressHash).toString('hex')
      const choices = { channel, scope: scope ?? null, cause: cause ?? null }
      const actionId = await actions.begin({ operator, action: 'suppressions.remove', target, choices })
      await actions.end(actionId, { removed: rows.length })
      return rows.length
    })
  }

  return {
    page,
    count,
    find: async ({ channel, addressHash }) => {
      const query = listed()
        .where({ channel, address_hash: Buffer.from(addressHash) })
        .orderBy([...key])
      return (await runBuilt<SuppressionRow>(pool, query)).map(toSuppression)
    },
    add,
    remove,
  }
}

interface SuppressionRow {
  channel: RequestChannel
  address_hash: Uint8Array
  scope: string
  reason: SuppressionCause
  created_at: number
}

function toSuppression(row: SuppressionRow): Suppression {
  return {
    channel: row.channel,
    addressHash: row.address_hash,
    scope: row.scope,
    cause: row.reason,
    sinceMs: row.created_at,
  }
}
