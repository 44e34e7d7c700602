/**
 * Log entries and their deliveries, of which a test says only what matters to it.
 */
import { createHash, randomUUID } from 'node:crypto'
import { dayOf, deliveryIdOf } from '../../../src/domain/identity.ts'
import type { NewLogEntry, PlannedDelivery, RoutingDecision } from '../../../src/domain/notification-log.ts'

const sha256 = (input: Uint8Array): Uint8Array => createHash('sha256').update(input).digest()

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export interface LogEntryChoices extends Partial<Omit<NewLogEntry, 'day' | 'decision'>> {
  decision?: Partial<RoutingDecision>
}

/** An SMS to user 7, routed just now from offset 0 of partition 0, unless the test chooses otherwise. */
export function logEntry(choices: LogEntryChoices = {}): NewLogEntry {
  const createdAtMs = choices.createdAtMs ?? Date.now()
  const notificationId = choices.notificationId ?? randomUUID()
  const source = choices.source ?? 'shop'
  return {
    coordinates: { lane: 'transactional', partition: 0, offset: 0n },
    pass: 0,
    contentHash: Uint8Array.from({ length: 16 }, (_, index) => index),
    resumption: null,
    userId: 7,
    category: 'receipts',
    decidedAtMs: createdAtMs + 5,
    ...choices,
    notificationId,
    source,
    createdAtMs,
    day: dayOf(createdAtMs),
    decision: {
      kind: 'routed',
      reason: null,
      detail: null,
      deferredUntilMs: null,
      deliveries: [plannedDelivery({ notificationId, source, createdAtMs })],
      suppressedChannels: [],
      ...choices.decision,
    },
  }
}

/** The same notification, waiting until a moment. */
export function deferredEntry(choices: LogEntryChoices = {}, deferredUntilMs = Date.now()): NewLogEntry {
  return logEntry({
    resumption: { lane: 'transactional', value: Uint8Array.of(0, 0, 0, 0, 1, 42) },
    ...choices,
    decision: { kind: 'deferred', reason: 'quiet_hours', deferredUntilMs, deliveries: [] },
  })
}

export interface PlannedDeliveryChoices extends Partial<PlannedDelivery> {
  notificationId: string
  source: string
  createdAtMs: number
}

export function plannedDelivery(choices: PlannedDeliveryChoices): PlannedDelivery {
  const { notificationId, source, createdAtMs, ...rest } = choices
  const channel = rest.channel ?? 'sms'
  const deviceId = rest.deviceId ?? null
  return {
    lane: 'transactional',
    deliveryId: deliveryIdOf({ createdAtMs, source, notificationId, channel, deviceId }, sha256),
    channel,
    address: '+14155550100',
    deviceId,
    templateId: 'receipt',
    templateVersion: 3,
    locale: 'en',
    quietFrom: null,
    quietUntil: null,
    unknownPolicy: 'resend',
    expiresAt: createdAtMs + dayMs,
    ...rest,
  }
}
