/**
 * `fanfare seed`: people, categories and templates to try Fanfare with.
 */
import { join } from 'node:path'
import { Command } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { seededCategories } from '../local/seed/categories.ts'
import { seededPerson } from '../local/seed/people.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { openDatabaseImport, peoplePerImport } from '../postgres/import.ts'
import { publishTemplate } from '../postgres/template-publication.ts'
import { createTemplates } from '../postgres/templates.ts'
import { createProgressLine } from './progress-line.ts'
import { compileFolder } from './template-folders.ts'
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
    await database.addCategories(seededCategories)
    await publishMissingTemplates(url)
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

/** Beside src/, in the checkout and in an image alike. */
const exampleTemplates = new URL('../../examples/templates/', import.meta.url).pathname

/** Where some version is published somebody has taken the template over, and it stays so. */
async function publishMissingTemplates(url: string): Promise<void> {
  const pool = createHotPathPool({ url, applicationName: 'fanfare-seed', maxConnections: 1 })
  try {
    const published = await createTemplates(pool).loadPublished(seededCategories.map(({ templateId }) => templateId))
    // Compiling takes longer than all the rest of a second seeding would.
    for (const { templateId } of seededCategories) {
      if (published.has(templateId)) continue
      for (const { draft } of await compileFolder(join(exampleTemplates, templateId))) {
        await publishTemplate(pool, draft, 'fanfare seed')
      }
    }
  } finally {
    await pool.close()
  }
}
