/**
 * Statements that knex builds, for what the API reads and writes by itself: what is asked for decides what they say. They
 * run on the one bounded pool of the process, so its limits and its classification of errors hold for them too.
 */
import { createHash } from 'node:crypto'
import knex, { type Knex } from 'knex'
import type { Queryable } from './hot-path-pool.ts'

/** Builds only; it has no connection. */
export const build = knex({ client: 'pg' })

/**
 * Runs what `build` made. Values are what the pool makes of them: timestamps Unix ms, bigints text.
 *
 * A connection keeps what it has prepared for good, so the text must not vary with the values: lists go in as one array.
 */
export function runBuilt<Row>(connection: Queryable, query: Knex.QueryBuilder | Knex.Raw): Promise<Row[]> {
  const { sql, bindings } = query.toSQL().toNative()
  const name = `built-${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`
  return connection.query<Row>({ name, text: sql }, bindings)
}
