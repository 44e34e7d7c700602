/**
 * Maintenance of the events in Postgres, a day's partition at a time: expired deliveries, stuck ones, and the partitions
 * themselves. One at a time over all processes.
 */
import { Client } from 'pg'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import { softBounceLimit } from '../domain/suppression.ts'
import { createFunnelCounting, type FunnelCounting } from './funnel.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { keyLifetimeMs } from './idempotency-keys.ts'
import { daysAhead, ensurePartitions, partitionDays, standardPartitionRange } from './partitions.ts'
import { retirePartitions, type Retirement } from './partition-retirement.ts'
import { loadStatement } from './statement.ts'
import { toStoredDelivery, type StoredDeliveryRow } from './stored-delivery-row.ts'
import { codeOf, unavailabilityCodeOf } from './unavailability.ts'

const sweepStatement = loadStatement('sweep-expired-deliveries')
const stuckStatement = loadStatement('find-stuck-deliveries')
const openStatement = loadStatement('has-open-deliveries')
const forgetKeysStatement = loadStatement('forget-idempotency-keys')
const forgetReceiptsStatement = loadStatement('forget-webhook-receipts')
const forgetBouncesStatement = loadStatement('forget-soft-bounces')

/** One that is reported late counts with those of a window before it and of one after. */
const softBounceLifetimeMs = 2 * softBounceLimit.windowMs

/** Any number, the same in every process: whoever holds it maintains. */
const maintenanceLockKey = 5_030_148
const connectTimeoutMs = 10_000
/** Attaching and detaching wait for transactions on the parent, and others would queue behind them. */
const lockTimeoutMs = 10_000
/** Looking for open rows reads a day whole; detaching concurrently waits for every transaction that may still see it. */
const statementTimeoutMs = 600_000

export interface PartitionReport {
  /** The UTC day, by Postgres's clock. */
  today: string
  /** Days after today that had partitions before this. */
  daysAheadBefore: number
  created: string[]
  retirement: Retirement
}

export interface Sweep {
  /** Between the expiry and the sweep. */
  graceMs: number
  limit: number
}

export interface EventMaintenance extends FunnelCounting {
  /** Creates the partitions of the days to come and drops those from before the retention whose rows are all final. */
  maintainPartitions(retentionDays: number): Promise<PartitionReport>
  /** Days that have a partition of deliveries, oldest first, up to today. */
  days(today: string): Promise<string[]>
  /**
   * Settles at most `limit` overdue deliveries of the day as expired.
   * @param beforeCommit what must have happened before the rows are seen to have moved; its failure undoes the moves.
   * @returns how many moved.
   */
  sweepExpired(
    day: string,
    sweep: Sweep,
    beforeCommit: (expired: readonly StoredDelivery[]) => Promise<void>,
  ): Promise<number>
  /** At most `limit` deliveries of the day that are not final and that nothing has moved for so long. */
  findStuck(day: string, unmovedMs: number, limit: number): Promise<StoredDelivery[]>
  /** Whether a delivery of the day is not final, or a notification of the day waits. */
  hasOpen(day: string): Promise<boolean>
  /** Deletes at most `limit` each of idempotency keys, receipts of webhooks and soft bounces that have ended. */
  forgetEnded(limit: number): Promise<{ forgotten: number; more: boolean }>
}

/**
 * Runs `work` unless another process maintains this database right now.
 * @param pool allowed to read whole partitions.
 * @returns false where another one is at it.
 */
export async function withMaintenance(
  url: string,
  pool: HotPathPool,
  work: (maintenance: EventMaintenance) => Promise<void>,
): Promise<boolean> {
  const client = new Client({
    connectionString: url,
    application_name: 'fanfare-maintain',
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
  })
  // Without a listener a connection lost between two queries would end the process; the next query reports it.
  client.on('error', () => {})
  try {
    await client.connect().catch((error: unknown) => {
      throw new DependencyUnavailable('postgres', codeOf(error) ?? 'connect_timeout', error)
    })
    const lock = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [maintenanceLockKey])
    if (lock.rows[0]?.held !== true) return false
    await work(createMaintenance(client, pool))
    return true
  } catch (error) {
    const code = unavailabilityCodeOf(error)
    throw code === undefined || error instanceof DependencyUnavailable
      ? error
      : new DependencyUnavailable('postgres', code, error)
  } finally {
    await client.end().catch(() => {})
  }
}

function createMaintenance(client: Client, pool: HotPathPool): EventMaintenance {
  return {
    maintainPartitions: (retentionDays) => maintainPartitions(client, retentionDays),
    days: async (today) => (await partitionDays(client, 'deliveries')).filter((day) => day <= today),
    sweepExpired: (day, { graceMs, limit }, beforeCommit) =>
      pool.transaction(async (connection) => {
        const rows = await connection.query<StoredDeliveryRow>(sweepStatement, [day, graceMs, limit])
        if (rows.length > 0) await beforeCommit(rows.map(toStoredDelivery))
        return rows.length
      }),
    findStuck: async (day, unmovedMs, limit) => {
      const rows = await pool.query<StoredDeliveryRow>(stuckStatement, [day, unmovedMs, limit])
      return rows.map(toStoredDelivery)
    },
    hasOpen: (day) => hasOpen(pool, day),
    ...createFunnelCounting(pool),
    forgetEnded: async (limit) => {
      const keys = await pool.query(forgetKeysStatement, [keyLifetimeMs, limit])
      const receipts = await pool.query(forgetReceiptsStatement, [limit])
      const bounces = await pool.query(forgetBouncesStatement, [softBounceLifetimeMs, limit])
      const counts = [keys, receipts, bounces].map((rows) => rows.length)
      return { forgotten: counts.reduce((sum, count) => sum + count, 0), more: Math.max(...counts) === limit }
    },
  }
}

async function hasOpen(pool: Queryable, day: string): Promise<boolean> {
  const [row] = await pool.query<{ open: boolean }>(openStatement, [day])
  return row?.open === true
}

async function maintainPartitions(client: Client, retentionDays: number): Promise<PartitionReport> {
  const answer = await client.query<{ today: string; oldest: string }>(
    `select (now() at time zone 'utc')::date::text as today, ((now() at time zone 'utc')::date - $1::integer)::text as oldest`,
    [retentionDays],
  )
  const [row] = answer.rows
  if (row === undefined) throw new Error('Postgres did not tell the day')
  const { today, oldest } = row
  const daysAheadBefore = await daysAhead(client, today)
  const created = await ensurePartitions(client, { today, ...standardPartitionRange })
  return { today, daysAheadBefore, created, retirement: await retirePartitions(client, oldest) }
}
