/**
 * Drops the partitions of days that are over for good: log and deliveries of a day together, and only where every row of
 * both is final. What is not is kept and reported.
 *
 * A partition is detached concurrently, so that the hot path goes on, checked once more now that nobody can write to it,
 * and dropped. A crash in between leaves a pending detachment or a table of its own, and the next run goes on from there.
 */
import { DatabaseError, type ClientBase } from 'pg'
import { partitionedTables, type PartitionedTable } from './partitions.ts'

export interface Retirement {
  dropped: string[]
  kept: KeptPartition[]
}

export interface KeptPartition {
  partition: string
  /** `open`: rows that are not final. `busy`: a long transaction sees it; the next run tries again. */
  because: 'open' | 'busy'
  /** How many are not final; no further than 10,000 are counted. */
  openRows: number
}

/** Which rows keep a partition: the rank below the first final state, and what waits to be decided about again. */
const openCondition: Record<PartitionedTable, string> = {
  deliveries: `state < 'unknown'`,
  notifications: `decision = 'deferred'`,
}

const openRowsMax = 10_000

/** Deliveries first: a log row without its deliveries still keeps its event from being sent again. */
const order: readonly PartitionedTable[] = partitionedTables.toReversed()

/**
 * @param client in no transaction, since none can detach concurrently.
 * @param oldest the first UTC day that is kept.
 */
export async function retirePartitions(client: ClientBase, oldest: string): Promise<Retirement> {
  const retirement: Retirement = { dropped: [], kept: [] }
  for (const [day, tables] of Map.groupBy(await findTables(client), ({ day }) => day)) {
    if (day >= oldest) continue
    const open = await countOpen(client, tables)
    if (open.some(({ openRows }) => openRows > 0)) {
      retirement.kept.push(...open.filter(({ openRows }) => openRows > 0))
      for (const table of tables) await bringBack(client, table)
      continue
    }
    for (const table of tables.toSorted((one, other) => order.indexOf(one.parent) - order.indexOf(other.parent))) {
      const kept = await retire(client, table)
      if (kept === undefined) retirement.dropped.push(table.name)
      else retirement.kept.push(kept)
    }
  }
  return retirement
}

interface DayTable {
  name: string
  parent: PartitionedTable
  day: string
  attachment: 'attached' | 'pending' | 'detached'
}

async function findTables(client: ClientBase): Promise<DayTable[]> {
  const found = await client.query<{ name: string; pending: boolean | null }>(
    `select relname as name, inhdetachpending as pending
     from pg_class left join pg_inherits on inhrelid = pg_class.oid
     where relnamespace = (select relnamespace from pg_class where oid = 'deliveries'::regclass)
       and relkind = 'r' and relname ~ '^(notifications|deliveries)_\\d{4}_\\d{2}_\\d{2}$'
     order by relname`,
  )
  return found.rows.map(({ name, pending }) => ({
    name,
    parent: name.startsWith('deliveries') ? 'deliveries' : 'notifications',
    day: name.slice(-10).replaceAll('_', '-'),
    attachment: pending === null ? 'detached' : pending ? 'pending' : 'attached',
  }))
}

async function countOpen(client: ClientBase, tables: readonly DayTable[]): Promise<KeptPartition[]> {
  const counted: KeptPartition[] = []
  for (const { name, parent } of tables) {
    const answer = await client.query<{ count: string }>(
      `select count(*) as count from (select 1 from ${name} where ${openCondition[parent]} limit ${openRowsMax}) as open`,
    )
    counted.push({ partition: name, because: 'open', openRows: Number(answer.rows[0]?.count ?? 0) })
  }
  return counted
}

/** @returns why it was kept, if it was. */
async function retire(client: ClientBase, table: DayTable): Promise<KeptPartition | undefined> {
  const { name, parent, attachment } = table
  try {
    if (attachment === 'attached') await client.query(`alter table ${parent} detach partition ${name} concurrently`)
    if (attachment === 'pending') await finalize(client, table)
    const [late] = await countOpen(client, [table])
    if (late !== undefined && late.openRows > 0) {
      await bringBack(client, { ...table, attachment: 'detached' })
      return late
    }
    await client.query(`drop table ${name}`)
    return undefined
  } catch (error) {
    if (!isBusy(error)) throw error
    return { partition: name, because: 'busy', openRows: 0 }
  }
}

/** What is not in its table is not found by anybody, and a row that is not final has to be. */
async function bringBack(client: ClientBase, table: DayTable): Promise<void> {
  const { name, parent, day, attachment } = table
  if (attachment === 'attached') return
  if (attachment === 'pending') await finalize(client, table)
  await client.query(
    `alter table ${parent} attach partition ${name} for values from ('${day}') to ('${dayAfter(day)}')`,
  )
}

async function finalize(client: ClientBase, { parent, name }: DayTable): Promise<void> {
  await client.query(`alter table ${parent} detach partition ${name} finalize`)
}

function dayAfter(day: string): string {
  return new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
}

/** The time-outs that this connection sets itself: lock_timeout, statement_timeout. */
function isBusy(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '55P03' || error.code === '57014')
}
