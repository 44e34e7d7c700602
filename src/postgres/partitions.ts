/**
 * The day partitions of `notifications` and `deliveries`: every day that an event may be of has one, before it comes.
 *
 * There is deliberately no default partition: rows in it would block the creation of their day's partition, and with one
 * no partition can be detached concurrently. An event of a day without a partition is refused by Postgres, so callers
 * refuse too old and too new events first.
 */
import type { ClientBase } from 'pg'

export const partitionedTables = ['notifications', 'deliveries'] as const
export type PartitionedTable = (typeof partitionedTables)[number]

/**
 * How full pages are filled at first, in per cent; the rest is for later versions of their rows. A delivery is rewritten by
 * its claim and its settlement within seconds: with room for both on the page, 97 % of them touch no index (53 % at 70),
 * which halves their write-ahead log and even makes the table smaller. A log row changes only by deferrals and a cancel.
 */
const fillfactorOf: Record<PartitionedTable, number> = { notifications: 90, deliveries: 45 }

/** Any number, the same in every process: serialises those who create partitions. */
const partitionLockKey = 5_030_146

/** Attaching waits for a long transaction on the parent, and everything else would queue behind it: give up instead. */
const lockTimeoutMs = 10_000

export interface PartitionRange {
  /** The UTC day in the middle, `YYYY-MM-DD`. */
  today: string
  daysBack: number
  daysAhead: number
}

/** Events are accepted up to 7 days old, and the look-up asks the neighbouring day too; the rest is lead time. */
export const standardPartitionRange = { daysBack: 8, daysAhead: 8 } as const

/**
 * Creates the partitions of the range that do not exist. Repeats change nothing; several callers at once are safe.
 * The hot path goes on meanwhile: a partition is made as a table of its own and then attached, which (unlike
 * `create table … partition of`) does not lock the parent exclusively.
 * @returns the names of the partitions created.
 */
export async function ensurePartitions(client: ClientBase, range: PartitionRange): Promise<string[]> {
  const created: string[] = []
  const existing = await partitionNames(client)
  for (const day of daysOf(range)) {
    for (const table of partitionedTables) {
      if (existing.has(partitionNameOf(table, day))) continue
      if (await createPartition(client, table, day)) created.push(partitionNameOf(table, day))
    }
  }
  return created
}

/** The days that have a partition of the table, oldest first. */
export async function partitionDays(client: ClientBase, table: PartitionedTable): Promise<string[]> {
  const names = [...(await partitionNames(client))].filter((name) => name.startsWith(`${table}_`))
  return names.map((name) => name.slice(table.length + 1).replaceAll('_', '-')).toSorted()
}

/** How many days after today have both partitions without a gap: for so long events are taken if nobody makes more. */
export async function daysAhead(client: ClientBase, today: string): Promise<number> {
  const names = await partitionNames(client)
  const isThere = (day: string) => partitionedTables.every((table) => names.has(partitionNameOf(table, day)))
  let days = 0
  while (isThere(dayAfter(today, days + 1))) days += 1
  return days
}

/** The name of a table's partition of a UTC day: `deliveries_2026_01_31`. */
export function partitionNameOf(table: PartitionedTable, day: string): string {
  return `${table}_${day.replaceAll('-', '_')}`
}

async function createPartition(client: ClientBase, table: PartitionedTable, day: string): Promise<boolean> {
  const name = partitionNameOf(table, day)
  await client.query('begin')
  try {
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`)
    await client.query(`select pg_advisory_xact_lock(${partitionLockKey})`)
    // Somebody else may have created it while this one waited for the lock.
    const isMissing = !(await partitionNames(client)).has(name)
    if (isMissing) {
      await client.query(`create table ${name} (like ${table} including defaults including constraints)
        with (fillfactor = ${fillfactorOf[table]})`)
      await client.query(
        `alter table ${table} attach partition ${name} for values from ('${day}') to ('${dayAfter(day, 1)}')`,
      )
    }
    await client.query('commit')
    return isMissing
  } catch (error) {
    // A rollback that fails has lost its connection, which rolls back too: the first error is the one that explains.
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function partitionNames(client: ClientBase): Promise<Set<string>> {
  const found = await client.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = any($1::regclass[])`,
    [partitionedTables],
  )
  return new Set(found.rows.map((row) => row.name))
}

function daysOf({ today, daysBack, daysAhead }: PartitionRange): string[] {
  return Array.from({ length: daysBack + 1 + daysAhead }, (_, index) => dayAfter(today, index - daysBack))
}

function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + days)
  return date.toISOString().slice(0, 10)
}
