/**
 * The channels that an operator has paused, as Postgres has them: read by every sender, written by a command.
 */
import type { Channel, Lane } from '../domain/channel.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { createOperatorActions, type NewOperatorAction } from './operator-actions.ts'
import { loadStatement } from './statement.ts'

const loadStatementOfPauses = loadStatement('load-channel-pauses')
const pauseStatement = loadStatement('pause-channel')
const resumeStatement = loadStatement('resume-channel')

export interface ChannelPause {
  channel: Channel
  lane: Lane
  /** Unix ms. */
  pausedAtMs: number
  /** Unix ms; null until somebody resumes it. */
  pausedUntilMs: number | null
  pausedBy: string
  reason: string
}

export interface NewChannelPause {
  channel: Channel
  lanes: readonly Lane[]
  /** After which the channel goes on by itself; null until somebody resumes it. */
  durationMs: number | null
  reason: string
  /** Recorded in the same transaction. */
  action: NewOperatorAction
}

/** The pauses that hold now. */
export async function loadChannelPauses(pool: Queryable): Promise<ChannelPause[]> {
  return (await pool.query<ChannelPauseRow>(loadStatementOfPauses, [])).map(toChannelPause)
}

/** @returns the pauses of these lanes afterwards; one that held before keeps its beginning. */
export async function pauseChannel(
  pool: HotPathPool,
  { channel, lanes, durationMs, reason, action }: NewChannelPause,
): Promise<ChannelPause[]> {
  return pool.transaction(async (connection) => {
    const values = [channel, lanes, durationMs, action.operator, reason]
    const rows = await connection.query<ChannelPauseRow>(pauseStatement, values)
    const actions = createOperatorActions(connection)
    await actions.end(await actions.begin(action), { paused: rows.length })
    return rows.map(toChannelPause)
  })
}

/** @returns the lanes that were paused until now; where none was, nothing is recorded. */
export async function resumeChannel(
  pool: HotPathPool,
  { channel, lanes, action }: Pick<NewChannelPause, 'channel' | 'lanes' | 'action'>,
): Promise<Lane[]> {
  return pool.transaction(async (connection) => {
    const rows = await connection.query<{ lane: Lane }>(resumeStatement, [channel, lanes])
    if (rows.length === 0) return []
    const actions = createOperatorActions(connection)
    await actions.end(await actions.begin(action), { resumed: rows.length })
    return rows.map(({ lane }) => lane)
  })
}

interface ChannelPauseRow {
  channel: Channel
  lane: Lane
  paused_at: number
  paused_until: number | null
  paused_by: string
  reason: string
}

function toChannelPause(row: ChannelPauseRow): ChannelPause {
  return {
    channel: row.channel,
    lane: row.lane,
    pausedAtMs: row.paused_at,
    pausedUntilMs: row.paused_until,
    pausedBy: row.paused_by,
    reason: row.reason,
  }
}
