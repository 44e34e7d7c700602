/**
 * Timelines: all that Postgres knows of one notification, for those who ask what became of it. Holds no address and
 * nothing of the message.
 */
import type { Channel, Lane } from '../domain/channel.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import type { DecisionKind, SuppressedChannel } from '../domain/notification-log.ts'
import type { StatusReason } from '../domain/reason.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { safeIntegerOf } from './values.ts'

const loadStatementOfTimeline = loadStatement('load-timeline')
const loadStatementOfUser = loadStatement('load-user-timeline')

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
  deliveries: DeliveryTimeline[]
}

export interface DeliveryTimeline {
  deliveryId: string
  channel: Channel
  templateId: string
  templateVersion: number
  locale: string
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  provider: string | null
  providerMessageId: string | null
  leaseUntilMs: number | null
  nextDueAtMs: number | null
  expiresAtMs: number
  updatedAtMs: number
}

export interface Timelines {
  /**
   * The log rows of a notification id over all days, oldest day first; of one app, or of every app that used the id.
   * One round trip, but one look-up for each day that is kept: for people, not for the hot path.
   */
  loadTimeline(notificationId: string, source?: string): Promise<NotificationTimeline[]>
  /** The log rows of a person since a UTC day, newest first, at most `limit`; by the index of each day. */
  loadUserTimeline(userId: number, sinceDay: string, limit: number): Promise<NotificationTimeline[]>
}

export function createTimelines(pool: Queryable): Timelines {
  return {
    loadTimeline: async (notificationId, source) =>
      gathered(await pool.query<TimelineRow>(loadStatementOfTimeline, [notificationId, source ?? null])),
    loadUserTimeline: async (userId, sinceDay, limit) =>
      gathered(await pool.query<TimelineRow>(loadStatementOfUser, [userId, sinceDay, limit])),
  }
}

/** The rows of each notification lie side by side. */
function gathered(rows: readonly TimelineRow[]): NotificationTimeline[] {
  const timelines: NotificationTimeline[] = []
  for (const row of rows) {
    const last = timelines.at(-1)
    const timeline = last !== undefined && isOf(last, row) ? last : toTimeline(row)
    if (timeline !== last) timelines.push(timeline)
    if (row.delivery_id !== null) timeline.deliveries.push(toDeliveryTimeline(row))
  }
  return timelines
}

function isOf({ notificationId, source, day }: NotificationTimeline, row: LogRow): boolean {
  return notificationId === row.notification_id && source === row.source && day === row.day
}

type TimelineRow = LogRow & (DeliveryRow | { delivery_id: null })

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

interface DeliveryRow {
  delivery_id: string
  channel: Channel
  template_id: string
  template_version: number
  locale: string
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  provider: string | null
  provider_message_id: string | null
  lease_until: number | null
  next_due_at: number | null
  expires_at: number
  updated_at: number
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

function toDeliveryTimeline(row: DeliveryRow): DeliveryTimeline {
  return {
    deliveryId: row.delivery_id,
    channel: row.channel,
    templateId: row.template_id,
    templateVersion: row.template_version,
    locale: row.locale,
    state: row.state,
    hop: row.hop,
    attempt: row.attempt,
    reason: row.reason,
    provider: row.provider,
    providerMessageId: row.provider_message_id,
    leaseUntilMs: row.lease_until,
    nextDueAtMs: row.next_due_at,
    expiresAtMs: row.expires_at,
    updatedAtMs: row.updated_at,
  }
}
