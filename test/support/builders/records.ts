/**
 * One complete value of every record that we read and write; a test names only what matters to it.
 */
import type { DeliveryCommand } from '../../../src/domain/delivery-command.ts'
import type { DeliveryStatus } from '../../../src/domain/delivery-status.ts'
import type { NotificationCancelled, NotificationRequested } from '../../../src/domain/notification.ts'

const createdAt = Date.UTC(2026, 8, 21, 8, 0, 0, 123)
const notificationId = '01996b1e-0c00-7000-8000-00000000abcd'

export function aRequest(given: Partial<NotificationRequested> = {}): NotificationRequested {
  return {
    notificationId,
    source: 'shop',
    userId: 42,
    category: 'receipt',
    template: null,
    locale: null,
    data: { item_name: 'Umbrella' },
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt,
    ...given,
  }
}

export function aCancellation(given: Partial<NotificationCancelled> = {}): NotificationCancelled {
  return { notificationId, source: 'shop', userId: 42, createdAt, cancelledAt: createdAt + 1_000, ...given }
}

export function aCommand(given: Partial<DeliveryCommand> = {}): DeliveryCommand {
  return {
    deliveryId: '01996b1e-0c7b-8000-8000-000000000001',
    notificationId,
    source: 'shop',
    userId: 42,
    category: 'receipt',
    channel: 'email',
    address: 'person@example.test',
    deviceId: null,
    templateId: 'receipt',
    templateVersion: 3,
    locale: 'en',
    data: { item_name: 'Umbrella' },
    quietFrom: null,
    quietUntil: null,
    unknownPolicy: 'resend',
    createdAt,
    routedAt: createdAt + 5,
    expiresAt: createdAt + 3_600_000,
    collapseKey: null,
    ...given,
  }
}

export function aStatus(given: Partial<DeliveryStatus> = {}): DeliveryStatus {
  return {
    statusId: '3b241101-e2bb-5255-8caf-4136c566a962',
    notificationId,
    deliveryId: null,
    userId: 42,
    source: 'shop',
    category: 'receipt',
    channel: null,
    lane: 'transactional',
    status: 'routed',
    reason: null,
    templateId: null,
    templateVersion: null,
    locale: null,
    provider: null,
    attempt: 0,
    segments: null,
    linkId: null,
    plannedDeliveries: 1,
    detail: null,
    original: null,
    createdAt,
    occurredAt: createdAt + 5,
    ...given,
  }
}
