/**
 * Opt-outs that a provider reported, written into the person's settings, where they see them and can take them back.
 */
import type { RequestChannel } from '../domain/channel.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column, safeIntegerOf } from './values.ts'

const channelStatement = loadStatement('opt-out-of-channels')
const categoryStatement = loadStatement('opt-out-of-categories')

export interface OptOut {
  userId: number
  channel: RequestChannel
  /** Null: everything that can be left, by the channel's switch. */
  category: string | null
}

/** One round trip for channels and one for categories. @returns the users whose settings changed. */
export async function writeOptOuts(pool: Queryable, optOuts: readonly OptOut[]): Promise<number[]> {
  const ofChannels = optOuts.filter(({ category }) => category === null)
  const ofCategories = optOuts.filter(({ category }) => category !== null)
  const rows: { user_id: string }[] = []
  if (ofChannels.length > 0) {
    rows.push(...(await pool.query<{ user_id: string }>(channelStatement, columns(ofChannels).slice(0, 2))))
  }
  if (ofCategories.length > 0) {
    rows.push(...(await pool.query<{ user_id: string }>(categoryStatement, columns(ofCategories))))
  }
  return [...new Set(rows.map((row) => safeIntegerOf(row.user_id)))]
}

function columns(optOuts: readonly OptOut[]): unknown[][] {
  return [
    column(optOuts, ({ userId }) => userId),
    column(optOuts, ({ channel }) => channel),
    column(optOuts, ({ category }) => category),
  ]
}
