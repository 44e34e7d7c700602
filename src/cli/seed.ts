/**
 * `fanfare seed`: people, categories and templates to try Fanfare with.
 */
import { Command } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { seededCategories } from '../local/seed/categories.ts'
import { seededPerson } from '../local/seed/people.ts'
import { seededTemplates } from '../local/seed/templates.ts'
import { openDatabaseImport, peoplePerImport } from '../postgres/import.ts'
import { createProgressLine } from './progress-line.ts'
import { wholeNumberArgument } from './whole-number.ts'

export const defaultSeed = 'fanfare'
const usersMax = 10_000_000

export function seedCommand(): Command {
  return new Command('seed')
    .description('add people, categories and templates to try Fanfare with')
    .option('--users <count>', 'people, with the ids from 1 on', wholeNumberArgument(1, usersMax), 1_000)
    .option('--seed <text>', 'the same text makes the same people', defaultSeed)
    .addHelpText(
      'after',
      '\nOnly adds: run twice it changes nothing, with more users it adds the new ones. Nobody real can be reached.\n\nExamples:\n  fanfare seed\n  fanfare seed --users 100000 --seed load-test',
    )
    .action(async ({ users, seed }: { users: number; seed: string }) => {
      const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
      const progress = createProgressLine()
      const added = await seedDatabase({
        url: postgres.url,
        users,
        seed,
        onProgress: (done) => progress.update(`${done} of ${users} people`),
      })
      progress.end()
      process.stdout.write(added === 0 ? 'nobody was missing\n' : `added ${added} people\n`)
    })
}

export interface SeedOptions {
  url: string
  /** Their ids are 1 to this. */
  users: number
  seed: string
  onProgress?: (peopleDone: number) => void
  /** Ends between two batches. */
  signal?: AbortSignal
}

/**
 * Adds what is missing of the seeded catalogue and of the people 1 to `users`.
 * @returns how many people were added.
 */
export async function seedDatabase({ url, users, seed, onProgress, signal }: SeedOptions): Promise<number> {
  const database = openDatabaseImport(url)
  try {
    await database.addCatalogue({ categories: seededCategories, templates: seededTemplates })
    let added = 0
    for (let first = 1; first <= users; first += peoplePerImport) {
      signal?.throwIfAborted()
      const count = Math.min(peoplePerImport, users - first + 1)
      added += await database.addPeople(Array.from({ length: count }, (_, index) => seededPerson(first + index, seed)))
      onProgress?.(first + count - 1)
    }
    return added
  } finally {
    await database.close()
  }
}
