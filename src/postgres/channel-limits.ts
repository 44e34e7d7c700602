/**
 * How many calls at once an operator lets the senders of a channel have, as Postgres has it: read by every sender,
 * written by a command.
 */
import type { Channel, Lane } from '../domain/channel.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { createOperatorActions, type NewOperatorAction } from './operator-actions.ts'
import { loadStatement } from './statement.ts'

const loadStatementOfLimits = loadStatement('load-channel-limits')
const limitStatement = loadStatement('limit-channel')
const unlimitStatement = loadStatement('unlimit-channel')

export interface ChannelLimit {
  channel: Channel
  lane: Lane
  /** Of each sender process. */
  concurrency: number
  /** Unix ms. */
  limitedUntilMs: number
  limitedBy: string
  reason: string
}

export interface NewChannelLimit {
  channel: Channel
  lanes: readonly Lane[]
  concurrency: number
  /** After which the configuration holds again. */
  durationMs: number
  reason: string
  /** Recorded in the same transaction. */
  action: NewOperatorAction
}

/** The limits that hold now. */
export async function loadChannelLimits(pool: Queryable): Promise<ChannelLimit[]> {
  return (await pool.query<ChannelLimitRow>(loadStatementOfLimits, [])).map(toChannelLimit)
}

/** @returns the limits of these lanes afterwards. */
export async function limitChannel(
  pool: HotPathPool,
  { channel, lanes, concurrency, durationMs, reason, action }: NewChannelLimit,
): Promise<ChannelLimit[]> {
  return pool.transaction(async (connection) => {
    const values = [channel, lanes, concurrency, durationMs, action.operator, reason]
    const rows = await connection.query<ChannelLimitRow>(limitStatement, values)
    const actions = createOperatorActions(connection)
    await actions.end(await actions.begin(action), { limited: rows.length })
    return rows.map(toChannelLimit)
  })
}

/** @returns the lanes that were limited until now; where none was, nothing is recorded. */
export async function unlimitChannel(
  pool: HotPathPool,
  { channel, lanes, action }: Pick<NewChannelLimit, 'channel' | 'lanes' | 'action'>,
): Promise<Lane[]> {
  return pool.transaction(async (connection) => {
    const rows = await connection.query<{ lane: Lane }>(unlimitStatement, [channel, lanes])
    if (rows.length === 0) return []
    const actions = createOperatorActions(connection)
    await actions.end(await actions.begin(action), { unlimited: rows.length })
    return rows.map(({ lane }) => lane)
  })
}

interface ChannelLimitRow {
  channel: Channel
  lane: Lane
  concurrency: number
  limited_until: number
  limited_by: string
  reason: string
}

function toChannelLimit(row: ChannelLimitRow): ChannelLimit {
  return {
    channel: row.channel,
    lane: row.lane,
    concurrency: row.concurrency,
    limitedUntilMs: row.limited_until,
    limitedBy: row.limited_by,
    reason: row.reason,
  }
}
