/**
 * The connections of the hot path: few, bounded in every wait, and set so that one plan fits every day.
 *
 * A statement is prepared once per connection, often while the day's partition is still empty and has no statistics.
 * Left to itself the planner then hash-joins over a sequential scan of the whole day for as long as the connection lives
 * (measured: 320 to 700 ms for a claim of 500 instead of 10). So plans are generic and may not scan sequentially; the
 * plan test holds this.
 *
 * Lost infrastructure comes out as `DependencyUnavailable`, every other error as Postgres or pg threw it. A connection
 * that failed is never used again.
 */
import { Pool, types as defaultTypes, type PoolClient } from 'pg'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import { codeOf, isFormerPrimary, unavailabilityCodeOf } from './unavailability.ts'
import type { Statement } from './statement.ts'

export interface Queryable {
  /**
   * Runs one prepared statement: one round trip (two the first time on a connection).
   * Timestamps come back as Unix ms, dates as `YYYY-MM-DD`, bigints as decimal strings.
   */
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>
}

export interface HotPathPool extends Queryable {
  /** Runs `work` in one READ COMMITTED transaction; commits when it resolves, rolls back when it rejects. */
  transaction<Result>(work: (connection: Queryable) => Promise<Result>): Promise<Result>
  /** Ends the connections once they are idle. Repeats change nothing. */
  close(): Promise<void>
}

/** A pool that tells how busy it is. */
export interface ObservedPool extends HotPathPool {
  connections(): { busy: number; idle: number; waiting: number }
}

export interface HotPathPoolOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  /** As `pg_stat_activity` shows it. */
  applicationName: string
  maxConnections: number
  /** For connecting, and for waiting until one of the connections is free. */
  connectTimeoutMs?: number
  /** After which Postgres cancels a statement. */
  statementTimeoutMs?: number
  /** The database role that every connection takes on, whoever logged in: it may do what that role may and no more. */
  role?: string
  /** For commands that read whole partitions: the planner may scan them in sequence. Never on the hot path. */
  readsPartitions?: boolean
  /** Told the code of each connection that was lost while nobody used it. */
  onIdleConnectionLost?: (code: string) => void
}

const defaultConnectTimeoutMs = 5_000
const defaultStatementTimeoutMs = 10_000

/** How much longer than Postgres's own time-out to wait for its answer before the connection is given up. */
const answerGraceMs = 2_000

const keepAliveInitialDelayMs = 10_000

/** jit: compiling costs more than such short statements take. UTC: see `parseTimestamp`. */
const planSettings = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c timezone=UTC'
const readingSettings = '-c timezone=UTC'

export function createHotPathPool(options: HotPathPoolOptions): ObservedPool {
  const { connectTimeoutMs = defaultConnectTimeoutMs, statementTimeoutMs = defaultStatementTimeoutMs } = options
  const answerTimeoutMs = statementTimeoutMs + answerGraceMs
  const broken = new WeakSet<PoolClient>()
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveInitialDelayMs,
    options: sessionSettings(options),
    types: { getTypeParser },
  })
  // pg emits 'error' for a connection lost while idle (and, once checked out, on the client alone): without both
  // listeners either would end the process.
  pool.on('error', (error) => options.onIdleConnectionLost?.(codeOf(error) ?? 'connection_lost'))
  pool.on('connect', (client) => client.on('error', () => broken.add(client)))

  /** Checks a connection out for `work`, and throws it away if it is broken or an answer is still outstanding. */
  async function withConnection<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await connect(pool)
    try {
      return await work(client)
    } finally {
      client.release(broken.has(client))
    }
  }

  async function run<Row>(client: PoolClient, query: PreparedQuery): Promise<Row[]> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        broken.add(client)
        reject(new DependencyUnavailable('postgres', 'answer_timeout'))
      }, answerTimeoutMs)
    })
    try {
      const result = await Promise.race([client.query(query), deadline])
      return result.rows as Row[]
    } catch (error) {
      if (isFormerPrimary(error)) broken.add(client)
      throw translate(error, broken.has(client))
    } finally {
      clearTimeout(timer)
    }
  }

  const queryableOf = (client: PoolClient): Queryable => ({
    query: ({ name, text }, values) => run(client, { name, text, values: [...values] }),
  })

  async function transaction<Result>(work: (connection: Queryable) => Promise<Result>): Promise<Result> {
    return withConnection(async (client) => {
      try {
        await run(client, { text: 'begin isolation level read committed' })
        const result = await work(queryableOf(client))
        await run(client, { text: 'commit' })
        return result
      } catch (error) {
        // A broken connection ends, and its transaction with it. Where the rollback fails the connection is broken too;
        // the first error is the one to tell.
        if (!broken.has(client)) await run(client, { text: 'rollback' }).catch(() => broken.add(client))
        throw error
      }
    })
  }

  let closing: Promise<void> | undefined
  return {
    query: (statement, values) => withConnection((client) => queryableOf(client).query(statement, values)),
    transaction,
    connections: () => connectionsOf(pool),
    close: () => (closing ??= pool.end()),
  }
}

function sessionSettings({ readsPartitions, role }: Pick<HotPathPoolOptions, 'readsPartitions' | 'role'>): string {
  const settings = readsPartitions === true ? readingSettings : planSettings
  return role === undefined ? settings : `${settings} -c role=${role}`
}

function connectionsOf({ totalCount, idleCount, waitingCount }: Pool): ReturnType<ObservedPool['connections']> {
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

interface PreparedQuery {
  name?: string
  text: string
  values?: unknown[]
}

/** Whatever keeps a connection from coming about, a refused password included, is not the fault of any record. */
async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw new DependencyUnavailable('postgres', codeOf(error) ?? 'connect_timeout', error)
  }
}

/** pg gives no code to the queries that end with their connection, so that is known from the connection itself. */
function translate(error: unknown, isConnectionBroken: boolean): unknown {
  if (error instanceof DependencyUnavailable) return error
  const code = unavailabilityCodeOf(error) ?? (isConnectionBroken ? (codeOf(error) ?? 'connection_lost') : undefined)
  return code === undefined ? error : new DependencyUnavailable('postgres', code, error)
}

// pg_type.oid of the types that pg would turn into local Dates.
const dateOid = 1082
const timestamptzOid = 1184

function getTypeParser(oid: number): (text: string) => unknown {
  if (oid === dateOid) return String
  if (oid === timestamptzOid) return parseTimestamp
  return defaultTypes.getTypeParser(oid)
}

/** `2026-01-31 12:34:56.789+00`, as Postgres writes it for a session in UTC, to Unix ms; microseconds are cut off. */
function parseTimestamp(text: string): number {
  const unixMs = Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
  if (Number.isNaN(unixMs)) throw new RangeError('a timestamp outside the years 0 to 9999')
  return unixMs
}
