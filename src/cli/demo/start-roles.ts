/**
 * Every role as one process, and the people that they tell: the seeded ones, and those of the script and the closed loop.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Environment } from '../../configuration/environment.ts'
import { demoCategories } from '../../local/demo/script.ts'
import type { SeededPerson } from '../../local/seed/people.ts'
import { openDatabaseImport, peoplePerImport } from '../../postgres/import.ts'
import { seedDatabase } from '../seed.ts'
import { startRolesProcess, type RolesProcess } from './roles-process.ts'
import type { World } from './world.ts'

export interface RolesStart {
  /** Ids from 1 to this are seeded. */
  users: number
  seed: string
  /** Beside the seeded ones. */
  guests: readonly SeededPerson[]
  environment: Environment
  signal: AbortSignal
  opened: AsyncDisposableStack
}

export const rolesLog = 'fanfare.log'
const hashKeyBytes = 32

/** Ready, with everybody there; ended with `opened`. */
export async function startRoles(
  { stack, simulator, doors }: World,
  { users, seed, guests, environment, signal, opened }: RolesStart,
): Promise<RolesProcess> {
  const starting = startRolesProcess({
    environment: {
      ...environment,
      ...stack.environment,
      ...simulator.environment,
      ...doors.environment,
      FANFARE_SENDGRID_WEBHOOK_PUBLIC_KEY: simulator.webhooks.sendgridPublicKey,
      // A cap over all categories would meet people whose events the script predicts.
      FANFARE_USER_CAPS: '',
      FANFARE_ADDRESS_HASH_KEY: randomBytes(hashKeyBytes).toString('hex'),
    },
    logFile: join(stack.logs, rolesLog),
    signal,
  })
  // The people come while the roles start; nobody asks for them yet.
  const [roles, ...seedings] = await Promise.allSettled([
    starting,
    seedDatabase({ url: stack.postgres.url, users, seed, signal }),
    addGuests(stack.postgres.url, guests),
  ])
  // Where the roles have failed, that is the error to tell.
  if (roles.status === 'fulfilled') opened.defer(() => roles.value.end().catch(() => {}))
  if (roles.status === 'rejected') throw roles.reason
  for (const seeding of seedings) if (seeding.status === 'rejected') throw seeding.reason
  return roles.value
}

/** The people and categories of the script and of the closed loop. */
async function addGuests(url: string, people: readonly SeededPerson[]): Promise<void> {
  const database = openDatabaseImport(url)
  try {
    await database.addCategories(Object.values(demoCategories))
    for (let first = 0; first < people.length; first += peoplePerImport) {
      await database.addPeople(people.slice(first, first + peoplePerImport))
    }
  } finally {
    await database.close()
  }
}
