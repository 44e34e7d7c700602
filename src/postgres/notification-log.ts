/**
 * The notification log in Postgres: who was first with a notification, what was decided, and cancels.
 *
 * `record` is one round trip per event day (a chunk is nearly always of one), a look-up is one in all, a cancel one
 * transaction of two statements. A day without a partition is unavailable until somebody makes it.
 */
import type { Cancellation } from '../domain/cancellation.ts'
import type { LogEntry, NewLogEntry, NotificationKey } from '../domain/notification-log.ts'
import type { HotPathPool } from './hot-path-pool.ts'
import {
  deliveryColumns,
  entryColumns,
  resumptionColumns,
  toCancelledDelivery,
  toLogEntries,
  type CancelledDeliveryRow,
  type CancelledNotificationRow,
  type LookUpRow,
} from './notification-log-rows.ts'
import { loadStatement } from './statement.ts'
import { assertDistinct, groupByDay } from './values.ts'

const lookUpStatement = loadStatement('look-up-notifications')
const recordStatement = loadStatement('record-notifications')
const cancelNotificationStatement = loadStatement('cancel-notification')
const cancelDeliveriesStatement = loadStatement('cancel-deliveries')

interface CancelRequest {
  key: NotificationKey
  /** Logged if the request has not come yet. */
  userId: number
}

export interface NotificationLog {
  /**
   * The rows with a key's notification id and source on the key's day and on the days beside it: an id may come again
   * with another createdAt. One round trip, whatever the days.
   */
  lookUp(keys: readonly NotificationKey[]): Promise<LogEntry[]>
  /**
   * Writes each entry and its deliveries if it is the first of its pass: pass 0 if there is no row, a later pass if the
   * row is deferred at the pass before and not cancelled. One round trip per day.
   * @param entries no two with the same source and notification id (throws).
   * @returns the keys of the winners; losers look up again.
   */
  record(entries: readonly NewLogEntry[]): Promise<NotificationKey[]>
  /**
   * Marks the notification cancelled, whether its request has come or not, and cancels every delivery that is not
   * claimed or final. Repeats change nothing more.
   */
  cancel(request: CancelRequest): Promise<Cancellation>
}

export function createNotificationLog(pool: HotPathPool): NotificationLog {
  async function lookUp(keys: readonly NotificationKey[]): Promise<LogEntry[]> {
    const days = keys.map((key) => key.day).toSorted()
    const firstDay = days.at(0)
    const lastDay = days.at(-1)
    if (firstDay === undefined || lastDay === undefined) return []
    const formOf = new Map(keys.map(({ notificationId }) => [notificationId.toLowerCase(), notificationId]))
    const rows = await pool.query<LookUpRow>(lookUpStatement, [
      [...formOf.keys()],
      dayBeside(firstDay, -1),
      dayBeside(lastDay, +1),
    ])
    const wanted = new Set(keys.flatMap(namesOfNeighbours))
    const found = rows.filter((row) => wanted.has(nameOf(row.notification_id, row.source, row.day)))
    return toLogEntries(found).map((entry) => ({
      ...entry,
      notificationId: formOf.get(entry.notificationId) ?? entry.notificationId,
    }))
  }

  async function record(entries: readonly NewLogEntry[]): Promise<NotificationKey[]> {
    assertDistinct(entries, ({ notificationId, source }) => nameOf(notificationId, source), 'log entries')
    const winners: NotificationKey[] = []
    for (const [day, entriesOfDay] of groupByDay(entries, (entry) => entry.day)) {
      const rows = await pool.query<{ notification_id: string; source: string }>(recordStatement, [
        day,
        ...entryColumns(entriesOfDay),
        ...deliveryColumns(entriesOfDay),
        ...resumptionColumns(entriesOfDay),
      ])
      const won = new Set(rows.map((row) => nameOf(row.notification_id, row.source)))
      for (const { notificationId, source } of entriesOfDay) {
        if (won.has(nameOf(notificationId, source))) winners.push({ notificationId, source, day })
      }
    }
    return winners
  }

  async function cancel({ key, userId }: CancelRequest): Promise<Cancellation> {
    const keyValues = [key.notificationId, key.source, key.day]
    return pool.transaction(async (connection) => {
      const [logged] = await connection.query<CancelledNotificationRow>(cancelNotificationStatement, [
        ...keyValues,
        userId,
      ])
      if (logged === undefined) throw new Error('a cancel wrote no log row')
      const deliveries = await connection.query<CancelledDeliveryRow>(cancelDeliveriesStatement, [
        ...keyValues,
        logged.delivery_ids,
      ])
      return {
        found: logged.found ?? 'absent',
        pass: logged.pass,
        category: logged.category,
        deliveries: deliveries.map(toCancelledDelivery),
      }
    })
  }

  return { lookUp, record, cancel }
}

/** Postgres answers uuids in lower case, in whatever form they were asked for. */
function nameOf(notificationId: string, source: string, day = ''): string {
  return `${notificationId.toLowerCase()} ${day} ${source}`
}

function namesOfNeighbours({ notificationId, source, day }: NotificationKey): string[] {
  return [-1, 0, +1].map((distance) => nameOf(notificationId, source, dayBeside(day, distance)))
}

const dayMs = 86_400_000

function dayBeside(day: string, distance: number): string {
  return new Date(Date.parse(day) + distance * dayMs).toISOString().slice(0, 10)
}
