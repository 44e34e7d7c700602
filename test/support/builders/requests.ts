/**
 * Requests and what decides about them, of which a test says only what matters to it.
 */
import type { Category } from '../../../src/domain/category.ts'
import type { NotificationRequested } from '../../../src/domain/notification.ts'
import type { Profile } from '../../../src/domain/profile.ts'
import type { PublishedTemplate } from '../../../src/domain/template.ts'

/** The instant at which builders live: a Monday, 10:00 UTC. */
export const nowMs = Date.UTC(2026, 10, 23, 10)

export function request(choices: Partial<NotificationRequested> = {}): NotificationRequested {
  return {
    notificationId: '01939c5a-6e00-7000-8000-000000000001',
    source: 'shop',
    userId: 7,
    category: 'receipts',
    template: null,
    locale: null,
    data: { item_name: 'Lamp' },
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt: nowMs - 1_000,
    ...choices,
  }
}

/** Reachable everywhere, with a device of each platform, and without any setting. */
export function profile(choices: Partial<Profile> = {}): Profile {
  return {
    userId: 7,
    version: 1,
    email: 'ada@example.com',
    phoneNumber: '+14155552671',
    locale: 'en',
    timeZone: 'Europe/London',
    quietFromMinute: null,
    quietUntilMinute: null,
    devices: [
      { deviceId: 'd1', platform: 'ios', token: 'ab'.repeat(32) },
      { deviceId: 'd2', platform: 'android', token: 'token-2' },
    ],
    channelOptIns: {},
    categoryOptIns: [],
    ...choices,
  }
}

/** Opt-out, over every channel, for a day. */
export function category(choices: Partial<Category> = {}): Category {
  return {
    name: 'receipts',
    lane: 'transactional',
    channels: ['push', 'sms', 'email'],
    mandatory: false,
    optInDefault: true,
    caps: [],
    overCapPolicy: 'defer',
    capsUnavailablePolicy: 'send',
    quietHoursPolicy: 'defer',
    sendWindow: null,
    timeToLiveSeconds: 86_400,
    unknownPolicy: 'resend',
    templateId: 'receipt',
    ...choices,
  }
}

const contents = [
  { locale: 'en', variables: [] },
  { locale: 'ko', variables: [] },
]

export function template(choices: Partial<PublishedTemplate> = {}): PublishedTemplate {
  return {
    templateId: 'receipt',
    version: 3,
    defaultLocale: 'en',
    contentsOf: { push: contents, sms: contents, email: contents },
    ...choices,
  }
}
