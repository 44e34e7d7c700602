/**
 * What the checker of routing decisions looks at, as plain data: who people are and what they chose, what the operator
 * set, what was published, what Fanfare said, and what the providers were called for.
 *
 * The checker judges src/ and so shares nothing with it: words and rules are written down again, from design.md
 * (sections 3, 4, 5, 7 and 8) and the issue on routing. Times are Unix ms of the run's own clock, which may be simulated.
 */

/** `push`, `sms` or `email`, as requests, settings and suppressions have it. Requests may hold any word. */
export type RequestChannel = string

/** From one minute of the day up to another, past midnight where the second is the lower one. */
export interface DailyHours {
  fromMinute: number
  untilMinute: number
}

export interface Device {
  deviceId: string
  platform: 'ios' | 'android'
  token: string
  isValid: boolean
}

export interface Person {
  userId: number
  /** Since when the person can be looked up: a sign-up may come after the first event. */
  knownFrom: number
  locale: string | null
  timeZone: string | null
  quietHours: DailyHours | null
  devices: readonly Device[]
  phoneNumber: string | null
  email: string | null
  channelSettings: readonly { channel: RequestChannel; optIn: boolean }[]
  categorySettings: readonly { category: string; channel: RequestChannel; optIn: boolean }[]
}

export interface Suppression {
  channel: RequestChannel
  address: string
  /** `all`, or the one category that it is about. */
  scope: string
}

/** At most `limit` notifications in any window of that length. */
export interface Cap {
  limit: number
  windowMs: number
}

export interface Category {
  name: string
  lane: string
  channels: readonly RequestChannel[]
  isMandatory: boolean
  optInDefault: boolean
  caps: readonly Cap[]
  overCap: 'defer' | 'drop'
  quietHours: 'defer' | 'ignore'
  sendWindow: DailyHours | null
  timeToLiveMs: number
  template: string
}

export interface Template {
  templateId: string
  /** The published one. */
  version: number
  defaultLocale: string
  contents: readonly { channel: RequestChannel; locale: string; variables: readonly string[] }[]
}

/** Where a record of a requested topic lies. */
export interface Coordinates {
  topic: string
  partition: number
  offset: string
}

/** A NotificationRequested on a requested topic; copies of an event are further ones. */
export interface PublishedRequest extends Coordinates {
  /** Place in the order in which the router could come to see the records of all topics. */
  sequence: number
  publishedAt: number
  notificationId: string
  source: string
  userId: number
  category: string
  template: string | null
  locale: string | null
  data: Readonly<Record<string, unknown>>
  channels: readonly RequestChannel[] | null
  sendAt: number | null
  expiresAt: number | null
  collapseKey: string | null
  createdAt: number
}

export interface PublishedCancel {
  sequence: number
  publishedAt: number
  notificationId: string
  source: string
  createdAt: number
}

/** A record of the status topic; repeats included. */
export interface StatusRecord {
  statusId: string
  notificationId: string
  source: string
  deliveryId: string | null
  /** Null for the whole notification; `push` for a decision that came before the devices. */
  channel: string | null
  status: string
  reason: string | null
  detail: string | null
  plannedDeliveries: number | null
  original: Coordinates | null
  /** Of the event, or of the cancel that it answers. */
  createdAt: number
  occurredAt: number
}

export interface DeliveryRow {
  deliveryId: string
  notificationId: string
  source: string
  userId: number
  /** `ios`, `android`, `sms`, `email`. */
  channel: string
  address: string
  lane: string
  templateId: string
  templateVersion: number
  locale: string
  quietFrom: number | null
  quietUntil: number | null
  expiresAt: number
  routedAt: number
}

/** A call in a provider's ledger, with the lane of the command that it was made for. */
export interface ProviderCall {
  deliveryId: string
  channel: string
  address: string
  lane: string
  at: number
  isAccepted: boolean
}

/** What had not come to its end when the run did, and is not due yet: nothing is missing from it. */
export interface Waiting {
  notificationId: string
  source: string
  /** Null: the whole notification. */
  deliveryId: string | null
  dueAt: number
}

export interface Observations {
  people: readonly Person[]
  suppressions: readonly Suppression[]
  categories: readonly Category[]
  /** Per person over all categories but the mandatory ones. */
  capsOverAll: readonly Cap[]
  templates: readonly Template[]
  /** Where people live about whom nothing tells. */
  defaultZone: string
  requests: readonly PublishedRequest[]
  cancels: readonly PublishedCancel[]
  statuses: readonly StatusRecord[]
  deliveries: readonly DeliveryRow[]
  calls: readonly ProviderCall[]
  waiting: readonly Waiting[]
  endedAt: number
}
