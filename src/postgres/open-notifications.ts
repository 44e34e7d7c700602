/**
 * Notifications of some people of which something may still be sent: what an erasure cancels.
 */
import type { Lane } from '../domain/channel.ts'
import { dayOf } from '../domain/identity.ts'
import type { NotificationKey } from '../domain/notification-log.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { safeIntegerOf } from './values.ts'

const findStatement = loadStatement('find-open-notifications')

export interface OpenNotificationQuestion {
  userIds: readonly number[]
  /** Of events since the UTC day of this moment, Unix ms. */
  sinceMs: number
  /** The last one of the page before; null for the first page. */
  after: NotificationKey | null
  limit: number
}

interface OpenNotification {
  key: NotificationKey
  userId: number
  /** Unix ms. */
  createdAt: number
  lane: Lane
}

/** One page, in the order of day, id and source; with those that were cancelled, which are told again. */
export async function findOpenNotifications(
  pool: Queryable,
  { userIds, sinceMs, after, limit }: OpenNotificationQuestion,
): Promise<OpenNotification[]> {
  const { day, notificationId, source } = after ?? beforeAll
  const rows = await pool.query<OpenRow>(findStatement, [userIds, dayOf(sinceMs), day, notificationId, source, limit])
  return rows.map((row) => ({
    key: { notificationId: row.notification_id, source: row.source, day: row.day },
    userId: safeIntegerOf(row.user_id),
    createdAt: row.created_at,
    lane: row.lane,
  }))
}

const beforeAll: NotificationKey = {
  day: '0001-01-01',
  notificationId: '00000000-0000-0000-0000-000000000000',
  source: '',
}

interface OpenRow {
  notification_id: string
  source: string
  day: string
  user_id: string
  lane: Lane
  created_at: number
}
