/**
 * Which errors say that the values themselves are at fault: SQLSTATE class 22, data exception, and class 23, integrity
 * constraint violation (https://www.postgresql.org/docs/18/errcodes-appendix.html).
 */
import { DatabaseError } from 'pg'

export function isDataFault(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  const stateClass = error.code?.slice(0, 2)
  return stateClass === '22' || stateClass === '23'
}
