/**
 * The observations of a run in which every decision was right, one event for each kind of it. Tests plant one fault each.
 *
 * Everything happens about noon UTC: nine in the evening on Ann's wall in Seoul, whose quiet hours begin at ten, and one
 * in the afternoon on Bob's in Berlin, who sleeps by day.
 */
import type {
  Category,
  DeliveryRow,
  Observations,
  Person,
  ProviderCall,
  PublishedRequest,
  StatusRecord,
} from '../../routing/checker/observations.ts'

export type Planted = { -readonly [Key in keyof Observations]: Unlocked<Observations[Key]> }
type Unlocked<Value> = Value extends readonly (infer Item)[] ? { -readonly [Key in keyof Item]: Item[Key] }[] : Value

export const noon = Date.UTC(2026, 0, 15, 12)
export const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Ids that can be told apart at a glance. */
export const ids = {
  news: '00000000-0000-4000-8000-000000000001',
  code: '00000000-0000-4000-8000-000000000002',
  stranger: '00000000-0000-4000-8000-000000000003',
  cancelled: '00000000-0000-4000-8000-000000000004',
  hole: '00000000-0000-4000-8000-000000000005',
  nonsense: '00000000-0000-4000-8000-000000000006',
  another: '00000000-0000-4000-8000-000000000007',
}

export const ann: Person = {
  userId: 1,
  knownFrom: 0,
  locale: 'ko-KR',
  timeZone: 'Asia/Seoul',
  quietHours: { fromMinute: 22 * 60, untilMinute: 7 * 60 },
  devices: [
    { deviceId: 'phone', platform: 'ios', token: 'ann ios', isValid: true },
    { deviceId: 'tablet', platform: 'android', token: 'ann android', isValid: true },
    { deviceId: 'lost', platform: 'ios', token: 'ann lost', isValid: false },
  ],
  phoneNumber: '+821012345678',
  email: 'ann@example.com',
  channelSettings: [{ channel: 'sms', optIn: false }],
  categorySettings: [{ category: 'news', channel: 'sms', optIn: true }],
}

const bob: Person = {
  userId: 2,
  knownFrom: 0,
  locale: 'de-DE',
  timeZone: 'Europe/Berlin',
  quietHours: { fromMinute: 12 * 60, untilMinute: 20 * 60 },
  devices: [],
  phoneNumber: '+4915112345678',
  email: 'bob@example.com',
  channelSettings: [{ channel: 'sms', optIn: false }],
  categorySettings: [],
}

export const news: Category = {
  name: 'news',
  lane: 'bulk',
  channels: ['push', 'email', 'sms'],
  isMandatory: false,
  optInDefault: true,
  caps: [{ limit: 1, windowMs: hourMs }],
  overCap: 'defer',
  quietHours: 'defer',
  sendWindow: null,
  timeToLiveMs: dayMs,
  template: 'news',
}

const code: Category = {
  ...news,
  name: 'code',
  lane: 'transactional',
  channels: ['sms', 'email'],
  isMandatory: true,
  template: 'code',
}

export function aRequest(
  given: Partial<PublishedRequest> & { notificationId: string; sequence: number },
): PublishedRequest {
  return {
    topic: 'notifications.requested.bulk',
    partition: 0,
    offset: String(given.sequence),
    publishedAt: noon,
    source: 'shop',
    userId: ann.userId,
    category: 'news',
    template: null,
    locale: null,
    data: { title: 'x' },
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt: noon - 1_000,
    ...given,
  }
}

let statusCount = 0

export function aStatus(given: Partial<StatusRecord> & { notificationId: string; status: string }): StatusRecord {
  statusCount += 1
  return {
    statusId: `status ${statusCount}`,
    source: 'shop',
    deliveryId: null,
    channel: null,
    reason: null,
    detail: null,
    plannedDeliveries: null,
    original: null,
    createdAt: noon - 1_000,
    occurredAt: noon,
    ...given,
  }
}

export function aRow(
  given: Partial<DeliveryRow> & { deliveryId: string; channel: string; address: string },
): DeliveryRow {
  return {
    notificationId: ids.news,
    source: 'shop',
    userId: ann.userId,
    lane: 'bulk',
    templateId: 'news',
    templateVersion: 3,
    locale: 'ko',
    quietFrom: noon + hourMs,
    quietUntil: noon + 10 * hourMs,
    expiresAt: noon - 1_000 + dayMs,
    routedAt: noon,
    ...given,
  }
}

export function aCall({ deliveryId, channel, address, lane }: DeliveryRow, at = noon): ProviderCall {
  return { deliveryId, channel, address, lane, at, isAccepted: true }
}

const templates: Observations['templates'] = [
  {
    templateId: 'news',
    version: 3,
    defaultLocale: 'en',
    contents: ['push', 'email', 'sms'].flatMap((channel) =>
      ['en', 'ko'].map((locale) => ({ channel, locale, variables: ['title'] })),
    ),
  },
  {
    templateId: 'code',
    version: 1,
    defaultLocale: 'en',
    contents: ['sms', 'email'].map((channel) => ({ channel, locale: 'en', variables: [] })),
  },
]

const first = aRequest({ notificationId: ids.news, sequence: 0 })

const requests: PublishedRequest[] = [
  first,
  { ...first, sequence: 1, offset: '1' },
  { ...first, sequence: 2, offset: '2', data: { title: 'y' } },
  aRequest({ notificationId: ids.code, sequence: 3, userId: bob.userId, category: 'code' }),
  aRequest({ notificationId: ids.stranger, sequence: 4, userId: 9 }),
  aRequest({ notificationId: ids.cancelled, sequence: 5, sendAt: noon + hourMs / 2 }),
  aRequest({ notificationId: ids.hole, sequence: 7, data: {} }),
  aRequest({ notificationId: ids.nonsense, sequence: 8, category: 'nonsense' }),
]

/** Rows and statuses of every event of the run, in the order in which the tests name them. */
export function aCleanRun(): Planted {
  const rows = [
    aRow({ deliveryId: 'd-ios', channel: 'ios', address: 'ann ios' }),
    aRow({ deliveryId: 'd-android', channel: 'android', address: 'ann android' }),
    aRow({ deliveryId: 'd-email', channel: 'email', address: 'ann@example.com' }),
    aRow({
      deliveryId: 'd-code',
      channel: 'sms',
      address: '+4915112345678',
      notificationId: ids.code,
      userId: bob.userId,
      lane: 'transactional',
      quietFrom: null,
      quietUntil: null,
      templateId: 'code',
      templateVersion: 1,
      locale: 'en',
    }),
  ]
  const { topic, partition, offset } = first
  return {
    people: structuredClone([ann, bob]),
    suppressions: [{ channel: 'email', address: 'bob@example.com', scope: 'all' }],
    categories: structuredClone([news, code]),
    capsOverAll: [{ limit: 5, windowMs: dayMs }],
    templates: structuredClone(templates) as Planted['templates'],
    defaultZone: 'Europe/London',
    requests: structuredClone(requests),
    cancels: [
      {
        sequence: 6,
        publishedAt: noon + minuteMs,
        notificationId: ids.cancelled,
        source: 'shop',
        createdAt: noon - 1_000,
      },
    ],
    statuses: [
      aStatus({ notificationId: ids.news, status: 'routed', plannedDeliveries: 3 }),
      aStatus({ notificationId: ids.news, status: 'suppressed', channel: 'sms', reason: 'opted_out' }),
      aStatus({ notificationId: ids.code, status: 'routed', plannedDeliveries: 1 }),
      aStatus({ notificationId: ids.code, status: 'suppressed', channel: 'email', reason: 'address_suppressed' }),
      ...rows.map(({ notificationId, deliveryId, channel }) =>
        aStatus({ notificationId, status: 'sent', deliveryId, channel }),
      ),
      aStatus({
        notificationId: ids.news,
        status: 'duplicate',
        reason: 'repeated_id',
        original: { topic, partition, offset },
      }),
      aStatus({ notificationId: ids.news, status: 'duplicate', reason: 'conflict' }),
      aStatus({ notificationId: ids.stranger, status: 'deferred', reason: 'user_pending' }),
      aStatus({
        notificationId: ids.stranger,
        status: 'failed',
        reason: 'unknown_user',
        occurredAt: noon + 2 * minuteMs,
      }),
      aStatus({ notificationId: ids.cancelled, status: 'deferred', reason: 'send_at' }),
      aStatus({ notificationId: ids.cancelled, status: 'cancelled', occurredAt: noon + minuteMs }),
      aStatus({ notificationId: ids.hole, status: 'failed', reason: 'missing_variable', detail: 'title' }),
      aStatus({ notificationId: ids.nonsense, status: 'failed', reason: 'unknown_category' }),
    ],
    deliveries: rows,
    calls: rows.map((row) => aCall(row)),
    waiting: [],
    endedAt: noon + dayMs,
  }
}

/** The status of an event that says this; of the first such one. */
export function told(run: Planted, notificationId: string, status: string, reason: string | null = null) {
  const found = run.statuses.find(
    (each) => each.notificationId === notificationId && each.status === status && each.reason === reason,
  )
  if (found === undefined) throw new Error(`the clean run says no ${status}/${reason}`)
  return found
}
