/**
 * A look at a database from outside, for whoever wants to know whether this version can work on it. Changes nothing.
 */
import { Client } from 'pg'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import { missingMigrations } from './applied-migrations.ts'
import { daysAhead } from './partitions.ts'
import { codeOf, unavailabilityCodeOf } from './unavailability.ts'

export interface DatabaseInspection {
  /** As the server writes it: `18.4`. */
  version: string
  /** Its first number: 18. */
  majorVersion: number
  /** A standby takes no writes. */
  isPrimary: boolean
  missingMigrations: string[]
  /** Days after today that have their partitions; undefined where there are no such tables yet. */
  daysAhead: number | undefined
  /** `update on deliveries`: what this user may not do and a role does. */
  forbidden: string[]
  /** Whether this user may make and drop partitions. */
  mayMaintain: boolean
}

const connectTimeoutMs = 5_000
const statementTimeoutMs = 10_000

/** What routers, senders, feedback and the scheduler do with each table between them; gateway and edge do more. */
const privilegesNeeded: Readonly<Record<string, readonly string[]>> = {
  users: ['select'],
  devices: ['select', 'update'],
  notification_settings: ['select'],
  category_settings: ['select'],
  suppressions: ['select', 'insert'],
  categories: ['select'],
  templates: ['select'],
  template_contents: ['select'],
  channel_pauses: ['select'],
  channel_limits: ['select'],
  notifications: ['select', 'insert', 'update'],
  deliveries: ['select', 'insert', 'update'],
  scheduled_notifications: ['select', 'insert', 'delete'],
}

/** @throws DependencyUnavailable when it cannot be asked. */
export async function inspectDatabase<Result>(
  url: string,
  work: (connection: { inspect(): Promise<DatabaseInspection>; clock(): Promise<number> }) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: url,
    application_name: 'fanfare-doctor',
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
  })
  // Without a listener a connection lost between two queries would end the process; the next query reports it.
  client.on('error', () => {})
  try {
    await client.connect().catch((error: unknown) => {
      throw new DependencyUnavailable('postgres', codeOf(error) ?? 'connect_timeout', error)
    })
    return await work({ inspect: () => inspect(client), clock: () => readClock(client) })
  } catch (error) {
    const code = error instanceof DependencyUnavailable ? undefined : unavailabilityCodeOf(error)
    throw code === undefined ? error : new DependencyUnavailable('postgres', code, error)
  } finally {
    await client.end().catch(() => {})
  }
}

interface ServerRow {
  version: string
  number: string
  standby: boolean
  today: string
  partitioned: boolean
}

async function inspect(client: Client): Promise<DatabaseInspection> {
  const answer = await client.query<ServerRow>(
    `select current_setting('server_version') as version, current_setting('server_version_num') as number,
       pg_is_in_recovery() as standby, (now() at time zone 'utc')::date::text as today,
       to_regclass('notifications') is not null and to_regclass('deliveries') is not null as partitioned`,
  )
  const [row] = answer.rows
  if (row === undefined) throw new Error('Postgres did not tell its version')
  const missing = await missingMigrations({
    query: async <Row>({ text }: { text: string }) => (await client.query(text)).rows as Row[],
  })
  return {
    version: row.version,
    majorVersion: Math.floor(Number(row.number) / 10_000),
    isPrimary: !row.standby,
    missingMigrations: missing,
    daysAhead: row.partitioned ? await daysAhead(client, row.today) : undefined,
    forbidden: await readForbidden(client),
    mayMaintain: await readMayMaintain(client),
  }
}

/** Of the tables that exist; which do not, the migrations tell. */
async function readForbidden(client: Client): Promise<string[]> {
  const asked = Object.entries(privilegesNeeded).flatMap(([table, privileges]) =>
    privileges.map((privilege) => ({ table, privilege })),
  )
  const { rows } = await client.query<{ forbidden: string }>(
    `select privilege || ' on ' || table_name as forbidden
     from unnest($1::text[], $2::text[]) as needed (table_name, privilege)
     where to_regclass(table_name) is not null and not has_table_privilege(to_regclass(table_name), privilege)`,
    [asked.map(({ table }) => table), asked.map(({ privilege }) => privilege)],
  )
  return rows.map(({ forbidden }) => forbidden)
}

/** A partition is made as a table of its own and attached, which its parent's owner may do. */
async function readMayMaintain(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_schema_privilege(current_schema(), 'create') and not exists (
       select from pg_class where oid = any(array[to_regclass('notifications'), to_regclass('deliveries')])
         and not pg_has_role(relowner, 'usage')
     ) as may`,
  )
  return rows[0]?.may === true
}

/** Unix ms, of the moment of the statement. */
async function readClock(client: Client): Promise<number> {
  const { rows } = await client.query<{ ms: string }>(`select extract(epoch from clock_timestamp()) * 1000 as ms`)
  return Number(rows[0]?.ms)
}
