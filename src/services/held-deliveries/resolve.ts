/**
 * A person decides about a delivery that is held because nobody can tell whether its provider accepted it.
 *
 * `sent` settles it: the status is published before the row is seen to have moved, so a crash leaves either nothing or a
 * repeat of the same status. `resend` moves the row first and publishes the next hop then, since a record that came
 * before its row would be taken for a repeat; whoever crashes in between gives the same command again, and the record is
 * published again from the row.
 *
 * The command's bytes are not in the row. They are made again as the router made them, from the requested record, which
 * lies where the log says, and the delivery as it was planned.
 */
import { commandFor } from '../../domain/command-for.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import { dayOf, type Digest } from '../../domain/identity.ts'
import { nextHopRecord } from '../../domain/next-hop.ts'
import type { NotificationRequested } from '../../domain/notification.ts'
import type { Coordinates, LogEntry, NotificationKey } from '../../domain/notification-log.ts'
import type { OutgoingRecord, RecordHeaders } from '../../domain/record.ts'
import { deliveryStatus } from '../../domain/status-record.ts'
import type { StoredDelivery } from '../../domain/stored-delivery.ts'
import type { TopicNames } from '../../domain/topic-names.ts'

export const resolutions = ['sent', 'resend'] as const
export type Resolution = (typeof resolutions)[number]

export type Resolved =
  | { kind: 'resolved'; row: StoredDelivery }
  /** The same was decided before, and what follows from it was published once more. */
  | { kind: 'repeated'; row: StoredDelivery }
  | { kind: 'not_found' }
  | { kind: 'not_held'; state: DeliveryState }
  /** The requested record is not on its topic any more, or another one lies there: nothing to send it from. */
  | { kind: 'request_gone' }

export interface RequestedRecord {
  event: NotificationRequested
  headers: RecordHeaders
}

export interface ResolvePorts {
  load(deliveryId: string): Promise<StoredDelivery | undefined>
  /** Undefined where it is not held at that hop any more. `beforeCommit` happens before the row is seen to have moved. */
  resolve(
    held: StoredDelivery,
    resolution: Resolution,
    beforeCommit?: (row: StoredDelivery) => Promise<void>,
  ): Promise<StoredDelivery | undefined>
  wasResolved(deliveryId: string, resolution: Resolution): Promise<boolean>
  lookUp(keys: readonly NotificationKey[]): Promise<LogEntry[]>
  /** Undefined where no request lies there (any more). */
  readRequest(coordinates: Coordinates): Promise<RequestedRecord | undefined>
  publish(records: readonly OutgoingRecord[]): Promise<void>
  encodeCommand(command: DeliveryCommand): Uint8Array
  encodeStatus(status: DeliveryStatus): Uint8Array
  topics: TopicNames
  sha1: Digest
  /** Unix ms. */
  now(): number
}

export async function resolveHeld(deliveryId: string, resolution: Resolution, ports: ResolvePorts): Promise<Resolved> {
  const row = await ports.load(deliveryId)
  if (row === undefined) return { kind: 'not_found' }
  const isRepeat = row.state === stateAfter[resolution] && (await ports.wasResolved(row.deliveryId, resolution))
  if (row.state !== 'unknown' && !isRepeat) return { kind: 'not_held', state: row.state }
  return resolution === 'sent' ? settleSent(row, isRepeat, ports) : resend(row, isRepeat, ports)
}

const stateAfter = { sent: 'sent', resend: 'retrying' } as const satisfies Record<Resolution, DeliveryState>

async function settleSent(held: StoredDelivery, isRepeat: boolean, ports: ResolvePorts): Promise<Resolved> {
  const publish = (row: StoredDelivery) => ports.publish([statusRecord(row, 'sent', ports)])
  if (isRepeat) {
    await publish(held)
    return { kind: 'repeated', row: held }
  }
  const row = await ports.resolve(held, 'sent', publish)
  return row === undefined ? notHeldAnyMore(held, ports) : { kind: 'resolved', row }
}

async function resend(held: StoredDelivery, isRepeat: boolean, ports: ResolvePorts): Promise<Resolved> {
  // Before anything moves: without its command the row would wait for a record that never comes.
  const rebuilt = await rebuildCommand(held, ports)
  if (rebuilt === undefined) return { kind: 'request_gone' }
  const row = isRepeat ? held : await ports.resolve(held, 'resend')
  if (row === undefined) return notHeldAnyMore(held, ports)
  const { channel, lane } = row
  const command = {
    key: String(row.userId),
    value: ports.encodeCommand(rebuilt.command),
    headers: rebuilt.headers,
    channel,
    lane,
    redrives: 0,
  }
  const next = nextHopRecord(command, row, { topics: ports.topics, nowMs: ports.now() })
  await ports.publish([statusRecord(row, 'retrying', ports), next])
  return { kind: isRepeat ? 'repeated' : 'resolved', row }
}

/** Somebody else decided in between. */
async function notHeldAnyMore({ deliveryId }: StoredDelivery, ports: ResolvePorts): Promise<Resolved> {
  const row = await ports.load(deliveryId)
  return row === undefined ? { kind: 'not_found' } : { kind: 'not_held', state: row.state }
}

async function rebuildCommand(
  { deliveryId, notificationId, source, createdAt }: StoredDelivery,
  ports: ResolvePorts,
): Promise<{ command: DeliveryCommand; headers: RecordHeaders } | undefined> {
  const key = { notificationId, source, day: dayOf(createdAt) }
  const entry = (await ports.lookUp([key])).find(({ day }) => day === key.day)
  const planned = entry?.decision.deliveries.find((delivery) => delivery.deliveryId === deliveryId)
  if (entry === undefined || planned === undefined) return undefined
  const request = await ports.readRequest(entry.coordinates)
  if (request === undefined) return undefined
  const { event, headers } = request
  // A topic that was recreated has other records at the same offsets.
  if (event.notificationId.toLowerCase() !== notificationId || event.source !== source) return undefined
  return { command: commandFor(planned, { event, key, routedAtMs: entry.decidedAtMs, pass: entry.pass }), headers }
}

function statusRecord(row: StoredDelivery, status: 'sent' | 'retrying', ports: ResolvePorts): OutgoingRecord {
  const step = {
    status,
    reason: row.reason,
    hop: row.hop,
    attempt: row.attempt,
    provider: row.provider,
    segments: null,
    occurredAt: ports.now(),
  }
  const value = ports.encodeStatus(deliveryStatus(row, step, ports.sha1))
  return { topic: ports.topics.deliveryStatus, key: row.notificationId, value, headers: {} }
}
