/**
 * What waits, in Postgres: notifications that are to be decided again when their time has come.
 *
 * Any number of schedulers may take side by side. A row is deleted in the transaction that saw it published: a crash
 * between publishing and deleting publishes it again, and the pass of the second one finds itself taken.
 */
import type { Lane } from '../domain/channel.ts'
import type { HotPathPool } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column, safeIntegerOf } from './values.ts'

const takeStatement = loadStatement('take-due-notifications')
const deleteStatement = loadStatement('delete-scheduled-notifications')

/** A notification whose time has come. */
export interface DueNotification {
  notificationId: string
  source: string
  /** The pass that it resumes with. */
  pass: number
  userId: number
  /** The bytes of its request. */
  value: Uint8Array
  /** By Postgres's clock. */
  lateMs: number
}

export interface ScheduledNotifications {
  /**
   * Takes at most so many of a lane, earliest first, and forgets them once `publish` resolves; if it rejects they stay.
   * @returns how many.
   */
  takeDue(lane: Lane, limit: number, publish: (due: readonly DueNotification[]) => Promise<void>): Promise<number>
}

export function createScheduledNotifications(pool: HotPathPool): ScheduledNotifications {
  return {
    takeDue: (lane, limit, publish) =>
      pool.transaction(async (connection) => {
        const rows = await connection.query<DueRow>(takeStatement, [lane, limit])
        if (rows.length === 0) return 0
        await publish(rows.map(toDue))
        await connection.query(deleteStatement, [
          column(rows, (row) => row.notification_id),
          column(rows, (row) => row.source),
          column(rows, (row) => row.day),
        ])
        return rows.length
      }),
  }
}

interface DueRow {
  notification_id: string
  source: string
  day: string
  pass: number
  user_id: string
  record: Uint8Array
  late_ms: string
}

function toDue(row: DueRow): DueNotification {
  return {
    notificationId: row.notification_id,
    source: row.source,
    pass: row.pass,
    userId: safeIntegerOf(row.user_id),
    value: row.record,
    lateMs: Number(row.late_ms),
  }
}
