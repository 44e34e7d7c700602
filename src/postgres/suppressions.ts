/**
 * The suppression list in Postgres: addresses that nobody may write to, by keyed hash, so that the list holds none.
 */
import type { RequestChannel } from '../domain/channel.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column } from './values.ts'

const findStatement = loadStatement('find-suppressed')

export interface SuppressionQuestion {
  channel: RequestChannel
  addressHash: Uint8Array
  category: string
}

export interface Suppressions {
  /** Whether each is suppressed, in order; one round trip, none for an empty list. */
  findSuppressed(questions: readonly SuppressionQuestion[]): Promise<boolean[]>
}

export function createSuppressions(pool: Queryable): Suppressions {
  return {
    findSuppressed: async (questions) => {
      if (questions.length === 0) return []
      const rows = await pool.query<{ place: string }>(findStatement, [
        column(questions, ({ channel }) => channel),
        column(questions, ({ addressHash }) => addressHash),
        column(questions, ({ category }) => category),
      ])
      const places = new Set(rows.map(({ place }) => Number(place)))
      return questions.map((_, index) => places.has(index + 1))
    },
  }
}
