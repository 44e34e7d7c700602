/**
 * `fanfare migrate`: brings the database to the schema that this version needs.
 */
import { Command } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { migrate } from '../postgres/migrate.ts'

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the database to this version’s schema and create the days’ partitions')
    .addHelpText(
      'after',
      '\nRepeats change nothing, and several may run at once. Run it before the roles of a new version start.\n\nExample:\n  FANFARE_POSTGRES_URL=postgres://fanfare@db.internal/fanfare fanfare migrate',
    )
    .action(async () => {
      const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
      const { migrations, partitions } = await migrate(postgres.url)
      for (const name of migrations) process.stdout.write(`migrated ${name}\n`)
      if (partitions.length > 0) process.stdout.write(`created ${partitions.length} partitions\n`)
      if (migrations.length + partitions.length === 0) process.stdout.write('nothing to do\n')
    })
}
