/**
 * A migrated database of its own for each test file, on the stack's Postgres.
 *
 * It is copied from a template database, which is migrated once for each state of the migrations and each day (the
 * partitions are those around today). A database is dropped without force, so a connection that a test leaked fails it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Client, Pool } from 'pg'
import { migrate } from '../../src/postgres/migrate.ts'
import { readStackEnvironment } from './stack-environment.ts'

export interface TestDatabase {
  url: string
  /** Runs plain SQL for arranging and asserting, on a connection of its own. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Ends that connection and drops the database. Fails if somebody else is still connected. */
  drop(): Promise<void>
}

export interface TestDatabaseOptions {
  /** An empty database, for tests of the migrations themselves. */
  empty?: boolean
}

export async function createTestDatabase({ empty = false }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const name = `fanfare_test_${randomBytes(6).toString('hex')}`
  await withServer(async (server) => {
    const template = empty ? 'template0' : await migratedTemplate(server)
    await server.query(`create database ${name} template ${template}`)
  })
  const url = urlOf(name)
  // One connection, for which concurrent tests of a file wait in line.
  const pool = new Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0 })
  return {
    url,
    query: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    drop: async () => {
      await pool.end()
      await withServer((server) => server.query(`drop database ${name}`))
    },
  }
}

async function migratedTemplate(server: Client): Promise<string> {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const name = `fanfare_template_${today}_${hashOfMigrations()}`
  // Test files start at the same time; a lock on the server's own database lets one of them build the template.
  await server.query('select pg_advisory_lock(5030147)')
  const found = await server.query('select 1 from pg_database where datname = $1', [name])
  if (found.rowCount === 0) {
    await dropOutdatedTemplates(server, today)
    await server.query(`drop database if exists ${name}_building`)
    await server.query(`create database ${name}_building template template0`)
    await migrate(urlOf(`${name}_building`))
    await server.query(`alter database ${name}_building rename to ${name}`)
  }
  await server.query('select pg_advisory_unlock(5030147)')
  return name
}

async function dropOutdatedTemplates(server: Client, today: string): Promise<void> {
  const outdated = await server.query<{ datname: string }>(
    `select datname from pg_database where datname like 'fanfare\\_template\\_%' and split_part(datname, '_', 3) < $1`,
    [today],
  )
  for (const { datname } of outdated.rows) await server.query(`drop database ${datname}`)
}

function hashOfMigrations(): string {
  const folder = new URL('../../migrations/', import.meta.url)
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .toSorted()
    .map((file) => new URL(file, folder))
  const hash = createHash('sha256')
  for (const file of [...sources, new URL('../../src/postgres/partitions.ts', import.meta.url)]) {
    hash.update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 12)
}

async function withServer(work: (server: Client) => Promise<unknown>): Promise<void> {
  const server = new Client({ connectionString: readStackEnvironment().postgresUrl })
  await server.connect()
  try {
    await work(server)
  } finally {
    await server.end()
  }
}

function urlOf(database: string): string {
  const url = new URL(readStackEnvironment().postgresUrl)
  url.pathname = `/${database}`
  return url.href
}
