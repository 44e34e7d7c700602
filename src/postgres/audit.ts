/**
 * Everything that Postgres holds of notifications and deliveries, to be counted and compared with what others know:
 * reconciliations read it whole. Holds no address and nothing of a message.
 */
import type { Channel, Lane } from '../domain/channel.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import type { DecisionKind, SuppressedChannel } from '../domain/notification-log.ts'
import type { StatusReason } from '../domain/reason.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { safeIntegerOf } from './values.ts'

const tallyStatement = loadStatement('tally-events')
const pageOfNotifications = loadStatement('page-notifications')
const pageOfDeliveries = loadStatement('page-deliveries')

export interface AuditedNotification {
  notificationId: string
  source: string
  decision: DecisionKind
  reason: StatusReason | null
  suppressedChannels: SuppressedChannel[]
  deliveryIds: string[]
}

export interface AuditedDelivery {
  deliveryId: string
  notificationId: string
  source: string
  lane: Lane
  channel: Channel
  state: DeliveryState
  reason: StatusReason | null
  provider: string | null
  providerMessageId: string | null
  /** Of the event. */
  createdAtMs: number
  /** What was reported of it since. */
  reported: DeliveryState[]
}

export interface Tally {
  notifications: { decision: DecisionKind; count: number }[]
  deliveries: { channel: Channel; state: DeliveryState; count: number }[]
}

export interface Audit {
  /** How many there are, in one statement, and so in one snapshot. */
  tally(): Promise<Tally>
  /** All of them, a page for each round trip. */
  notifications(): AsyncGenerator<AuditedNotification>
  deliveries(): AsyncGenerator<AuditedDelivery>
}

const defaultRowsPerPage = 5_000
const lowestUuid = '00000000-0000-0000-0000-000000000000'
const lowestDay = '0001-01-01'

export function createAudit(pool: Queryable, { rowsPerPage = defaultRowsPerPage } = {}): Audit {
  async function tally(): Promise<Tally> {
    const rows = await pool.query<TallyRow>(tallyStatement, [])
    const counted: Tally = { notifications: [], deliveries: [] }
    for (const row of rows) {
      const count = safeIntegerOf(row.count)
      if (row.kind === 'notification') counted.notifications.push({ decision: row.state, count })
      else counted.deliveries.push({ channel: row.channel, state: row.state, count })
    }
    return counted
  }

  async function* notifications(): AsyncGenerator<AuditedNotification> {
    let after: readonly string[] = [lowestUuid, '', lowestDay]
    for (;;) {
      const rows = await pool.query<NotificationRow>(pageOfNotifications, [...after, rowsPerPage])
      for (const row of rows) yield toNotification(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < rowsPerPage) return
      after = [last.notification_id, last.source, last.day]
    }
  }

  async function* deliveries(): AsyncGenerator<AuditedDelivery> {
    let after: readonly string[] = [lowestUuid, lowestDay]
    for (;;) {
      const rows = await pool.query<DeliveryRow>(pageOfDeliveries, [...after, rowsPerPage])
      for (const row of rows) yield toDelivery(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < rowsPerPage) return
      after = [last.delivery_id, last.day]
    }
  }

  return { tally, notifications, deliveries }
}

type TallyRow = { count: string } & (
  | { kind: 'notification'; channel: null; state: DecisionKind }
  | { kind: 'delivery'; channel: Channel; state: DeliveryState }
)

interface NotificationRow {
  notification_id: string
  source: string
  day: string
  decision: DecisionKind
  reason: StatusReason | null
  suppressed_channels: SuppressedChannel[]
  delivery_ids: string[]
}

function toNotification(row: NotificationRow): AuditedNotification {
  return {
    notificationId: row.notification_id,
    source: row.source,
    decision: row.decision,
    reason: row.reason,
    suppressedChannels: row.suppressed_channels,
    deliveryIds: row.delivery_ids,
  }
}

interface DeliveryRow {
  delivery_id: string
  day: string
  notification_id: string
  source: string
  lane: Lane
  channel: Channel
  state: DeliveryState
  reason: StatusReason | null
  provider: string | null
  provider_message_id: string | null
  created_at: number
  reported: DeliveryState[]
}

function toDelivery(row: DeliveryRow): AuditedDelivery {
  return {
    deliveryId: row.delivery_id,
    notificationId: row.notification_id,
    source: row.source,
    lane: row.lane,
    channel: row.channel,
    state: row.state,
    reason: row.reason,
    provider: row.provider,
    providerMessageId: row.provider_message_id,
    createdAtMs: row.created_at,
    reported: row.reported,
  }
}
