/**
 * Which errors mean that Postgres is away, overloaded or changing hands, and not that a record is at fault.
 *
 * Whoever meets one waits and tries again; anything else is taken for the fault of the data in the statement. Decided by
 * codes alone: SQLSTATE for what Postgres said, errno for what the network said.
 */
import { DatabaseError } from 'pg'

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const unavailableClasses = new Set([
  '08', // connection exception
  '40', // transaction rollback: serialization failure, deadlock
  '53', // insufficient resources: disk full, out of memory, too many connections
  '57', // operator intervention: shutdown, crash, cannot connect now, query cancelled by its time-out
  '58', // system error: I/O error outside Postgres itself
])

/** Read-only transaction: after a failover the connection still leads to the former primary. */
const formerPrimaryState = '25006'

const unavailableStates = new Set([
  '55P03', // lock not available
  formerPrimaryState,
  // Ended by the server, since this process stood still inside a transaction (stopped, or starved).
  '25P03', // idle-in-transaction time-out
  '25P04', // transaction time-out
])

const unavailableErrnos = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

/** The SQLSTATE or errno of an error that says that Postgres is unavailable; undefined for every other error. */
export function unavailabilityCodeOf(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code === undefined) return undefined
  if (!(error instanceof DatabaseError)) return unavailableErrnos.has(code) ? code : undefined
  if (isMissingPartition(error)) return 'missing_partition'
  return unavailableClasses.has(code.slice(0, 2)) || unavailableStates.has(code) ? code : undefined
}

/** Whether the connection is good and leads to the wrong server: only another one can find the right one. */
export function isFormerPrimary(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === formerPrimaryState
}

/**
 * A day without a partition: a check violation (23514) of no named constraint. It is the deployment that lacks something
 * and not the record, so whoever meets it waits until `fanfare migrate` has made the partition.
 */
function isMissingPartition({ code, constraint }: DatabaseError): boolean {
  return code === '23514' && constraint === undefined
}

/** The machine-readable code of an error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
