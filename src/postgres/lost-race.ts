/**
 * Transactions that run again when they lost a race against another: a deadlock that Postgres ended, or a row that
 * somebody else inserted in between. The second time they see what the other one did.
 */
import { DatabaseError } from 'pg'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'

/** Nobody loses so often in a row but by a mistake of ours. */
const attemptsMax = 5

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const deadlockDetected = '40P01'
const serializationFailure = '40001'
const uniqueViolation = '23505'

/** As `pool.transaction`. @param work may run several times: whatever it does besides is to be repeatable. */
export async function transactionAgain<Result>(
  pool: HotPathPool,
  work: (connection: Queryable) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.transaction(work)
    } catch (error) {
      if (attempt === attemptsMax || !isLostRace(error)) throw error
    }
  }
}

function isLostRace(error: unknown): boolean {
  if (error instanceof DependencyUnavailable) return [deadlockDetected, serializationFailure].includes(error.code)
  return error instanceof DatabaseError && error.code === uniqueViolation
}
