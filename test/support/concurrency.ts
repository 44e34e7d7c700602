/**
 * Races made certain: one statement stays in an open transaction until another is seen waiting for it.
 */
import type { HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import type { TestDatabase } from './database.ts'

const pollMs = 5
const deadlineMs = 10_000

/**
 * Runs `first` in a transaction, starts `second` beside it, and commits once `second` waits for a lock.
 * @returns what both came to.
 */
export async function whileHeldOpen<First, Second>(
  { database, pool }: { database: TestDatabase; pool: HotPathPool },
  first: (held: HotPathPool) => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  let waiting: Promise<Second> | undefined
  const result = await pool.transaction(async (connection) => {
    const held: HotPathPool = { ...connection, transaction: (work) => work(connection), close: async () => {} }
    const firstResult = await first(held)
    waiting = second()
    // Its failure is reported where it is awaited below.
    waiting.catch(() => {})
    await someoneWaitsForALock(database)
    return firstResult
  })
  if (waiting === undefined) throw new Error('the second statement was never started')
  return [result, await waiting]
}

async function someoneWaitsForALock(database: TestDatabase): Promise<void> {
  const endMs = Date.now() + deadlineMs
  while (Date.now() < endMs) {
    const [row] = await database.query<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    if (row?.waiting !== '0') return
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  throw new Error('nobody waited for a lock: the statements did not meet')
}

/** A pool that counts its round trips. */
export function countingRoundTrips(pool: HotPathPool): HotPathPool & { roundTrips(): number } {
  let count = 0
  return {
    ...pool,
    query: (statement, values) => {
      count += 1
      return pool.query(statement, values)
    },
    roundTrips: () => count,
  }
}
