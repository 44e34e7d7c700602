/**
 * The notification log's rows: entries turned into columns for the record statement, and look-ups back into entries.
 */
import type { CancelledDelivery } from '../domain/cancellation.ts'
import type { Channel, Lane } from '../domain/channel.ts'
import type { UnknownPolicy } from '../domain/delivery-command.ts'
import type { DeliveryState } from '../domain/delivery-state.ts'
import {
  noCoordinates,
  type DecisionKind,
  type LogEntry,
  type NewLogEntry,
  type PlannedDelivery,
  type SuppressedChannel,
} from '../domain/notification-log.ts'
import type { StatusReason } from '../domain/reason.ts'
import { column, timestampOf, timestampOrNull, withoutNul } from './values.ts'

/** In the order of `entry` in record-notifications.sql. */
export function entryColumns(entries: readonly NewLogEntry[]): unknown[][] {
  return [
    column(entries, (entry) => entry.notificationId),
    column(entries, (entry) => entry.source),
    column(entries, (entry) => entry.pass),
    column(entries, (entry) => entry.coordinates.lane),
    column(entries, (entry) => entry.coordinates.partition),
    column(entries, (entry) => entry.coordinates.offset),
    column(entries, (entry) => entry.userId),
    column(entries, (entry) => entry.category),
    column(entries, (entry) => entry.decision.kind),
    column(entries, (entry) => withoutNul(entry.decision.reason)),
    column(entries, (entry) => withoutNul(entry.decision.detail)),
    column(entries, (entry) => timestampOrNull(entry.decision.deferredUntilMs)),
    column(entries, (entry) => JSON.stringify(entry.decision.suppressedChannels)),
    // An array of arrays would have to be rectangular, so each list is an array literal of its own.
    column(entries, (entry) => `{${entry.decision.deliveries.map((delivery) => delivery.deliveryId).join(',')}}`),
    column(entries, (entry) => timestampOf(entry.createdAtMs)),
    column(entries, (entry) => timestampOf(entry.decidedAtMs)),
    column(entries, (entry) => entry.contentHash),
  ]
}

/** In the order of `resumption` in record-notifications.sql. */
export function resumptionColumns(entries: readonly NewLogEntry[]): unknown[][] {
  const waiting = entries.flatMap(({ resumption, notificationId, source }) =>
    resumption === null ? [] : [{ notificationId, source, ...resumption }],
  )
  return [
    column(waiting, ({ notificationId }) => notificationId),
    column(waiting, ({ source }) => source),
    column(waiting, ({ lane }) => lane),
    column(waiting, ({ value }) => value),
  ]
}

/** In the order of `delivery` in record-notifications.sql. */
export function deliveryColumns(entries: readonly NewLogEntry[]): unknown[][] {
  const planned = entries.flatMap((entry) => entry.decision.deliveries.map((delivery) => ({ entry, delivery })))
  return [
    column(planned, ({ entry }) => entry.notificationId),
    column(planned, ({ entry }) => entry.source),
    column(planned, ({ delivery }) => delivery.deliveryId),
    column(planned, ({ delivery }) => delivery.channel),
    column(planned, ({ delivery }) => delivery.lane),
    column(planned, ({ delivery }) => delivery.address),
    column(planned, ({ delivery }) => delivery.deviceId),
    column(planned, ({ delivery }) => delivery.templateId),
    column(planned, ({ delivery }) => delivery.templateVersion),
    column(planned, ({ delivery }) => delivery.locale),
    column(planned, ({ delivery }) => timestampOrNull(delivery.quietFrom)),
    column(planned, ({ delivery }) => timestampOrNull(delivery.quietUntil)),
    column(planned, ({ delivery }) => delivery.unknownPolicy),
    column(planned, ({ delivery }) => timestampOf(delivery.expiresAt)),
  ]
}

/** One row of look-up-notifications.sql; the planned columns are all null where the entry has no delivery. */
export type LookUpRow = LogRow & (PlannedRow | { delivery_id: null })

interface LogRow {
  notification_id: string
  source: string
  day: string
  pass: number
  /** Null, as the two below, where a cancel came before its request. */
  lane: Lane | null
  record_partition: number | null
  record_offset: string | null
  decision: DecisionKind
  reason: StatusReason | null
  detail: string | null
  deferred_until: number | null
  content_hash: Uint8Array | null
  suppressed_channels: SuppressedChannel[]
  decided_at: number
  cancelled_at: number | null
}

interface PlannedRow {
  delivery_id: string
  channel: Channel
  delivery_lane: Lane
  address: string
  device_id: string | null
  template_id: string
  template_version: number
  locale: string
  quiet_from: number | null
  quiet_until: number | null
  unknown_policy: UnknownPolicy
  expires_at: number
  state: DeliveryState
}

/** Gathers the rows of each entry, which lie side by side, its deliveries in the order in which they were planned. */
export function toLogEntries(rows: readonly LookUpRow[]): LogEntry[] {
  const entries: LogEntry[] = []
  for (const row of rows) {
    const last = entries.at(-1)
    const entry = last !== undefined && isSameEntry(last, row) ? last : toLogEntry(row)
    if (entry !== last) entries.push(entry)
    if (row.delivery_id === null) continue
    entry.decision.deliveries.push(toPlannedDelivery(row))
    entry.stateOf[row.delivery_id] = row.state
  }
  return entries
}

function isSameEntry(entry: LogEntry, row: LogRow): boolean {
  return entry.notificationId === row.notification_id && entry.source === row.source && entry.day === row.day
}

function toLogEntry(row: LogRow): LogEntry {
  const { lane, record_partition: partition, record_offset: offset } = row
  return {
    notificationId: row.notification_id,
    source: row.source,
    day: row.day,
    coordinates:
      lane === null || partition === null || offset === null
        ? noCoordinates
        : { lane, partition, offset: BigInt(offset) },
    pass: row.pass,
    decidedAtMs: row.decided_at,
    cancelledAtMs: row.cancelled_at,
    decision: {
      kind: row.decision,
      reason: row.reason,
      detail: row.detail,
      deferredUntilMs: row.deferred_until,
      deliveries: [],
      suppressedChannels: row.suppressed_channels,
    },
    contentHash: row.content_hash,
    stateOf: {},
  }
}

function toPlannedDelivery(row: PlannedRow): PlannedDelivery {
  return {
    deliveryId: row.delivery_id,
    channel: row.channel,
    lane: row.delivery_lane,
    address: row.address,
    deviceId: row.device_id,
    templateId: row.template_id,
    templateVersion: row.template_version,
    locale: row.locale,
    quietFrom: row.quiet_from,
    quietUntil: row.quiet_until,
    unknownPolicy: row.unknown_policy,
    expiresAt: row.expires_at,
  }
}

/** The row of cancel-notification.sql. */
export interface CancelledNotificationRow {
  found: DecisionKind | null
  pass: number
  category: string | null
  delivery_ids: string[]
}

/** One row of cancel-deliveries.sql. */
export interface CancelledDeliveryRow {
  delivery_id: string
  state: DeliveryState
  channel: Channel
  category: string
  lane: Lane
  template_id: string
  template_version: number
  locale: string
  hop: number
  attempt: number
  provider: string | null
}

export function toCancelledDelivery(row: CancelledDeliveryRow): CancelledDelivery {
  return {
    deliveryId: row.delivery_id,
    state: row.state,
    channel: row.channel,
    category: row.category,
    lane: row.lane,
    templateId: row.template_id,
    templateVersion: row.template_version,
    locale: row.locale,
    hop: row.hop,
    attempt: row.attempt,
    provider: row.provider,
  }
}
