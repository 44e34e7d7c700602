/**
 * The funnel in Postgres, counted anew from the rows whenever an hour was marked: whoever counts twice, or after a crash,
 * counts the same.
 */
import type { Channel } from '../domain/channel.ts'
import {
  funnelSteps,
  type FunnelCounts,
  type FunnelQuestion,
  type FunnelRow,
  type FunnelStep,
} from '../domain/funnel.ts'
import { dayOf, firstDeliveryIdOf } from '../domain/identity.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { loadStatement, type Statement } from './statement.ts'
import { safeIntegerOf, timestampOf } from './values.ts'

const nowStatement: Statement = { name: 'now', text: 'select now() as now' }
const markStatement = loadStatement('mark-changed-hours')
const listStatement = loadStatement('list-marked-hours')
const unmarkStatement = loadStatement('unmark-hour')
const clearStatement = loadStatement('clear-funnel-hour')
const countStatement = loadStatement('count-funnel-hour')
const readStatement = loadStatement('read-funnel')

const hourMs = 3_600_000

export interface FunnelCounting {
  /** Postgres's clock, Unix ms. */
  databaseNow(): Promise<number>
  /** Marks the hours of the day in which a delivery has changed since. */
  markChangedHours(day: string, sinceMs: number): Promise<void>
  /** At most `limit` hours that are marked, Unix ms: the present ones first, then those that have waited longest. */
  markedHours(limit: number): Promise<number[]>
  /** Counts the hour and takes its mark, all or nothing. */
  countHour(hour: number): Promise<void>
  /** Takes the mark of an hour whose rows are gone: its count stays. */
  unmarkHour(hour: number): Promise<void>
}

export function createFunnelCounting(pool: HotPathPool): FunnelCounting {
  return {
    databaseNow: async () => {
      const [row] = await pool.query<{ now: number }>(nowStatement, [])
      if (row === undefined) throw new Error('Postgres did not tell the time')
      return row.now
    },
    markChangedHours: async (day, sinceMs) => {
      await pool.query(markStatement, [day, timestampOf(sinceMs)])
    },
    markedHours: async (limit) => (await pool.query<{ hour: number }>(listStatement, [limit])).map(({ hour }) => hour),
    countHour: (hour) =>
      pool.transaction(async (connection) => {
        const at = timestampOf(hour)
        await connection.query(unmarkStatement, [at])
        await connection.query(clearStatement, [at])
        const bounds = [firstDeliveryIdOf(hour), firstDeliveryIdOf(hour + hourMs)]
        await connection.query(countStatement, [at, dayOf(hour), ...bounds])
      }),
    unmarkHour: async (hour) => {
      await pool.query(unmarkStatement, [timestampOf(hour)])
    },
  }
}

type FunnelRecord = Record<FunnelStep, string> & {
  begins_at: number | null
  template_id: string | null
  category: string | null
  channel: Channel | null
}

/** Sums of what was counted, in the order of what it is split by. */
export async function readFunnel(
  pool: Queryable,
  { fromMs, untilMs, splitBy, limit }: FunnelQuestion,
): Promise<FunnelRow[]> {
  const by = (dimension: FunnelQuestion['splitBy'][number]) => splitBy.includes(dimension)
  const rows = await pool.query<FunnelRecord>(readStatement, [
    timestampOf(fromMs),
    timestampOf(untilMs),
    by('hour'),
    by('day'),
    by('template'),
    by('category'),
    by('channel'),
    limit,
  ])
  return rows.map((row) => ({
    beginsAtMs: row.begins_at,
    templateId: row.template_id,
    category: row.category,
    channel: row.channel,
    counts: Object.fromEntries(funnelSteps.map((step) => [step, safeIntegerOf(row[step])])) as FunnelCounts,
  }))
}
