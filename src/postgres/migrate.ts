/**
 * Brings a database to the latest schema: the migrations in order, then the day partitions around today.
 *
 * Several deployments may migrate at once: an advisory lock lets one work while the others wait. Postgres frees it when
 * its holder dies, unlike knex's own lock row, which a killed migration would leave behind; so whoever holds ours
 * clears a left-over row.
 */
import knex from 'knex'
import type { Knex } from 'knex'
import { Client } from 'pg'
import { migrationFiles, migrationNameOf, migrationsFolder } from './migration-files.ts'
import { ensurePartitions, standardPartitionRange } from './partitions.ts'

/** Any number, the same in every process. */
const migrationLockKey = 5_030_145

/** How long to wait for another migration; longer than any of ours should take. */
const migrationLockTimeoutMs = 120_000

const connectTimeoutMs = 10_000

export interface MigrationReport {
  /** Names of the migrations that this call ran, oldest first. */
  migrations: string[]
  /** Names of the partitions that this call created. */
  partitions: string[]
}

/**
 * Migrates the database at `url` to the latest schema and creates the partitions around today (by Postgres's clock).
 * Repeats change nothing. Throws what Postgres said, with the failing migration's name; each migration is one
 * transaction, so those before it stay and it leaves nothing.
 */
export async function migrate(url: string): Promise<MigrationReport> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs })
  // Without a listener a connection lost between two queries would end the process; the next query reports it.
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(`set lock_timeout = ${migrationLockTimeoutMs}`)
    await client.query(`select pg_advisory_lock(${migrationLockKey})`)
    const migrations = await runMigrations(url)
    const today = await client.query<{ today: string }>(`select (now() at time zone 'utc')::date::text as today`)
    const [row] = today.rows
    if (row === undefined) throw new Error('Postgres did not tell the day')
    const partitions = await ensurePartitions(client, { today: row.today, ...standardPartitionRange })
    return { migrations, partitions }
  } finally {
    await client.end()
  }
}

async function runMigrations(url: string): Promise<string[]> {
  const database = knex({
    client: 'pg',
    connection: { connectionString: url, connectionTimeoutMillis: connectTimeoutMs },
    pool: { min: 0, max: 1 },
    log: silent,
  })
  try {
    const config: Knex.MigratorConfig = { migrationSource }
    await database.migrate.forceFreeMigrationsLock(config)
    const [, names] = (await database.migrate.latest(config)) as [batch: number, names: string[]]
    return names
  } finally {
    await database.destroy()
  }
}

/** knex prints to the console what it also throws. */
const silent: Knex.Logger = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} }

const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: migrationFiles,
  getMigrationName: migrationNameOf,
  getMigration: async (file) => {
    const { up } = (await import(new URL(file, migrationsFolder).href)) as MigrationModule
    return { up: (trx) => runNamed(migrationNameOf(file), () => up(trx)), down: refuseToGoDown }
  },
}

interface MigrationModule {
  up: (knex: Knex) => Promise<void>
}

/** knex names the failing migration only on its console, and puts the whole SQL before what Postgres said. */
async function runNamed(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const said = error instanceof Error ? (error.message.split('\n').at(-1) ?? '').replace(/^\W*- /, '') : String(error)
    throw new Error(`migration ${name} failed: ${said}`, { cause: error })
  }
}

/** Migrations are append-only; knex wants the function all the same. */
async function refuseToGoDown(): Promise<never> {
  throw new Error('migrations are append-only: write a new one that undoes it')
}
