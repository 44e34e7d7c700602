/**
 * Whether a database has what this version's statements name.
 *
 * A role asks once, before it takes its first record: a column that is not there would otherwise be taken for the fault
 * of each record, and empty the topic into the dead letters. A database that is ahead is fine: that is every upgrade
 * between its migration and the last restart.
 */
import type { Queryable } from './hot-path-pool.ts'
import { migrationFiles, migrationNameOf } from './migration-files.ts'
import { loadStatement } from './statement.ts'
import { codeOf } from './unavailability.ts'

const appliedStatement = loadStatement('load-applied-migrations')

/** SQLSTATE undefined_table: nothing was ever migrated. */
const undefinedTable = '42P01'

/** The deployment forgot a step; the message says which. */
export class MigrationsMissing extends Error {
  override readonly name = 'MigrationsMissing'
  readonly missing: readonly string[]

  constructor(missing: readonly string[]) {
    super(`the database lacks ${missing.join(', ')} of this version: run \`fanfare migrate\` first`)
    this.missing = missing
  }
}

/** @returns the names of this version's migrations that have not run, oldest first. @throws DependencyUnavailable. */
export async function missingMigrations(database: Queryable): Promise<string[]> {
  const names = (await migrationFiles()).map(migrationNameOf)
  const applied = new Set(await appliedMigrations(database))
  return names.filter((name) => !applied.has(name))
}

/** @throws MigrationsMissing, or DependencyUnavailable when Postgres is away. */
export async function requireMigrations(database: Queryable): Promise<void> {
  const missing = await missingMigrations(database)
  if (missing.length > 0) throw new MigrationsMissing(missing)
}

async function appliedMigrations(database: Queryable): Promise<string[]> {
  try {
    const rows = await database.query<{ name: string }>(appliedStatement, [])
    return rows.map(({ name }) => name)
  } catch (error) {
    if (codeOf(error) === undefinedTable) return []
    throw error
  }
}
