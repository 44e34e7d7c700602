/**
 * Timelines: all that Postgres knows of one notification, for those who ask what became of it. Holds no address and
 * nothing of the message.
 */
import type { Lane } from '../domain/channel.ts'
import { dayOf } from '../domain/identity.ts'
import type { DecisionKind, SuppressedChannel } from '../domain/notification-log.ts'
import type { StatusReason } from '../domain/reason.ts'
import type { DeliveryProgress } from '../domain/stored-delivery.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { toDeliveryProgress, type DeliveryProgressRow } from './stored-delivery-row.ts'
import { safeIntegerOf, timestampOf } from './values.ts'

const loadStatementOfTimeline = loadStatement('load-timeline')
const loadStatementOfUser = loadStatement('load-user-timeline')
const searchStatement = loadStatement('search-notifications')

/** One log row. Times are Unix ms; category, lane and createdAtMs are null where a cancel came before the request. */
export interface NotificationTimeline {
  notificationId: string
  source: string
  day: string
  userId: number
  category: string | null
  lane: Lane | null
  pass: number
  decision: DecisionKind
  reason: StatusReason | null
  /** What the reason is about. */
  detail: string | null
  /** Of `deferred`. */
  deferredUntilMs: number | null
  suppressedChannels: SuppressedChannel[]
  createdAtMs: number | null
  decidedAtMs: number
  cancelledAtMs: number | null
  deliveries: TimelineDelivery[]
}

/** When each was first reported after the hand-over, Unix ms; null while it was not. */
export interface TimelineDelivery extends DeliveryProgress {
  deliveredAtMs: number | null
  bouncedAtMs: number | null
  openedAtMs: number | null
  clickedAtMs: number | null
  unsubscribedAtMs: number | null
}

/** Which of a person's notifications; times are Unix ms. */
export interface TimelineSearch {
  userId: number
  /** Null: of every app. */
  source: string | null
  /** A decision, or the state of one of its deliveries; null: any. */
  status: string | null
  /** Created not before. */
  fromMs: number
  /** The last one of the page before. */
  after: Pick<NotificationTimeline, 'day' | 'notificationId' | 'source'> | null
  limit: number
}

export interface Timelines {
  /**
   * The log rows of a notification id over all days, oldest day first; of one app, or of every app that used the id.
   * One round trip, but one look-up for each day that is kept: for people, not for the hot path.
   */
  loadTimeline(notificationId: string, source?: string): Promise<NotificationTimeline[]>
  /** The log rows of a person since a UTC day, newest first, at most `limit`; by the index of each day. */
  loadUserTimeline(userId: number, sinceDay: string, limit: number): Promise<NotificationTimeline[]>
  /** A page in the order of day, id and source, all descending: an order that no later event changes. */
  search(search: TimelineSearch): Promise<NotificationTimeline[]>
}

export function createTimelines(pool: Queryable): Timelines {
  return {
    loadTimeline: async (notificationId, source) =>
      gathered(await pool.query<TimelineRow>(loadStatementOfTimeline, [notificationId, source ?? null])),
    loadUserTimeline: async (userId, sinceDay, limit) =>
      gathered(await pool.query<TimelineRow>(loadStatementOfUser, [userId, sinceDay, limit])),
    search: async ({ userId, source, status, fromMs, after, limit }) => {
      const position = [after?.day ?? null, after?.notificationId ?? null, after?.source ?? null]
      const from = [dayOf(fromMs), timestampOf(fromMs)]
      const values = [userId, source, ...from, status, ...position, limit]
      return gathered(await pool.query<TimelineRow>(searchStatement, values))
    },
  }
}

/** The rows of each notification lie side by side. */
function gathered(rows: readonly TimelineRow[]): NotificationTimeline[] {
  const timelines: NotificationTimeline[] = []
  for (const row of rows) {
    const last = timelines.at(-1)
    const timeline = last !== undefined && isOf(last, row) ? last : toTimeline(row)
    if (timeline !== last) timelines.push(timeline)
    if (row.delivery_id !== null) timeline.deliveries.push(toTimelineDelivery(row))
  }
  return timelines
}

function isOf({ notificationId, source, day }: NotificationTimeline, row: LogRow): boolean {
  return notificationId === row.notification_id && source === row.source && day === row.day
}

type TimelineRow = LogRow & (TimelineDeliveryRow | { delivery_id: null })

interface TimelineDeliveryRow extends DeliveryProgressRow {
  delivered_at: number | null
  bounced_at: number | null
  opened_at: number | null
  clicked_at: number | null
  unsubscribed_at: number | null
}

interface LogRow {
  notification_id: string
  source: string
  day: string
  user_id: string
  category: string | null
  lane: Lane | null
  pass: number
  decision: DecisionKind
  decision_reason: StatusReason | null
  detail: string | null
  deferred_until: number | null
  suppressed_channels: SuppressedChannel[]
  created_at: number | null
  decided_at: number
  cancelled_at: number | null
}

function toTimeline(row: LogRow): NotificationTimeline {
  return {
    notificationId: row.notification_id,
    source: row.source,
    day: row.day,
    userId: safeIntegerOf(row.user_id),
    category: row.category,
    lane: row.lane,
    pass: row.pass,
    decision: row.decision,
    reason: row.decision_reason,
    detail: row.detail,
    deferredUntilMs: row.deferred_until,
    suppressedChannels: row.suppressed_channels,
    createdAtMs: row.created_at,
    decidedAtMs: row.decided_at,
    cancelledAtMs: row.cancelled_at,
    deliveries: [],
  }
}

function toTimelineDelivery(row: TimelineDeliveryRow): TimelineDelivery {
  return {
    ...toDeliveryProgress(row),
    deliveredAtMs: row.delivered_at,
    bouncedAtMs: row.bounced_at,
    openedAtMs: row.opened_at,
    clickedAtMs: row.clicked_at,
    unsubscribedAtMs: row.unsubscribed_at,
  }
}
