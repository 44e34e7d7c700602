/**
 * One complete value of every record that we read and write; a test names only what matters to it.
 */
import type { ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import type { UserChanged } from '../../../src/domain/user-changed.ts'
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
    pass: 0,
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
    automatic: false,
    plannedDeliveries: 1,
    detail: null,
    original: null,
    createdAt,
    occurredAt: createdAt + 5,
    ...given,
  }
}

export function aFeedback(values: Partial<ProviderFeedback> = {}): ProviderFeedback {
  return {
    feedbackId: 'event-1',
    kind: 'delivered',
    deliveryId: '0193b1f0-0000-8000-8000-000000000001',
    provider: 'sendgrid',
    providerMessageId: 'message-1',
    channel: 'email',
    addressHash: null,
    category: null,
    permanent: null,
    reason: null,
    providerCode: null,
    linkId: null,
    automatic: false,
    invalidSince: null,
    occurredAt: 1_700_000_000_000,
    receivedAt: 1_700_000_001_000,
    ...values,
  }
}

export function aUserChange(values: Partial<UserChanged> = {}): UserChanged {
  return {
    userId: 42,
    version: 1,
    email: 'ada@example.com',
    phoneNumber: '+14155550100',
    locale: 'en-GB',
    timeZone: 'Europe/London',
    devices: [
      {
        deviceId: '0193b1f0-0000-4000-8000-000000000002',
        platform: 'ios',
        token: 'ab'.repeat(32),
        registeredAt: 1_700_000_000_000,
      },
    ],
    changedAt: 1_700_000_000_000,
    ...values,
  }
}
