/**
 * Everything that the checker looks at, as plain data: what was asked for, what Fanfare says, what it wrote, what the
 * providers took, and what the harness did to it. Read by the readers beside this file, judged by check.ts.
 *
 * The checker judges src/ and so shares nothing with it: words and shapes are written down again here, from design.md,
 * avro/ and migrations/. Times are Unix ms.
 */

/** A record of a requested topic that reads as NotificationRequested. The same event may lie there several times. */
export interface RequestedEvent extends Coordinates {
  notificationId: string
  source: string
  userId: number
  category: string
  /** `push`, `sms`, `email`; null for the category's. */
  channels: readonly string[] | null
  sendAt: number | null
  createdAt: number
}

/** A record of a requested topic that reads as nothing that belongs there. */
export interface UnreadableRecord extends Coordinates {
  value: Uint8Array | null
}

export interface Coordinates {
  topic: string
  partition: number
  offset: string
}

/** A record of the status topic; repeats included. */
export interface StatusRecord {
  statusId: string
  notificationId: string
  source: string
  deliveryId: string | null
  channel: string | null
  status: string
  reason: string | null
  plannedDeliveries: number | null
  /** A machine opened or clicked. */
  automatic: boolean
  occurredAt: number
}

export interface DeadLetter {
  /** The dead-letter topic. */
  topic: string
  reason: string | null
  /** As its headers say; null where they say nothing. */
  original: Coordinates | null
  value: Uint8Array | null
  /** Where the value reads as a command. */
  deliveryId: string | null
}

/** A record of a retry topic. */
export interface RetryRecord {
  deliveryId: string
  hop: number
  dueAt: number
  publishedAt: number
}

export interface NotificationRow {
  notificationId: string
  source: string
  decision: string
  deliveryIds: readonly string[]
}

export interface DeliveryRow {
  deliveryId: string
  notificationId: string
  source: string
  channel: string
  address: string
  state: string
  reason: string | null
  unknownPolicy: string
  hop: number
  createdAt: number
  expiresAt: number
  provider: string | null
  providerMessageId: string | null
}

export interface ScheduledRow {
  notificationId: string
  source: string
  dueAt: number
}

/** What a person can be reached at, by delivery channel: valid tokens, a number, an address. */
export interface Person {
  userId: number
  addresses: Readonly<Partial<Record<string, readonly string[]>>>
}

/** At most `limit` notifications of a person in any window of that length. */
export interface Cap {
  limit: number
  windowSeconds: number
}

export interface Category {
  name: string
  channels: readonly string[]
  isMandatory: boolean
  /** Of one person within the category. */
  caps: readonly Cap[]
}

/** A notification's place under the caps of its category, or under those of its person over all. */
export interface Place {
  userId: number
  /** Null: over all. */
  category: string | null
  notificationId: string
  source: string
  at: number
}

/** A call as the providers' ledger has it. */
export interface ProviderCall {
  sequence: number
  provider: string
  channel: string
  deliveryId: string | null
  receivedAtMs: number
  /** Null: the caller got no answer. */
  answeredAtMs: number | null
  verdict: 'accepted' | 'refused' | 'none'
  providerMessageId: string | null
}

/** An event that a provider reported, as its ledger of webhooks has it. */
export interface WebhookEvent {
  provider: string
  /** The provider's own word. */
  event: string
  deliveryId: string | null
  /** When it was first answered with success; null: never. */
  takenAtMs: number | null
}

/** A delivery's state that fell, as the database itself noted it. */
export interface Regression {
  deliveryId: string
  from: string
  to: string
}

/** How far a group is on a partition at the end. */
export interface GroupPosition {
  group: string
  topic: string
  partition: number
  /** -1 where the group never committed. */
  committed: bigint
  low: bigint
  high: bigint
}

/** One commit in the order in which the broker took it. */
export interface Commit {
  group: string
  topic: string
  partition: number
  offset: bigint
  committedAt: number
}

/** What the harness did during the run, and what the run may therefore show. */
export interface Schedule {
  /** When the observations were taken. */
  endedAtMs: number
  kills: readonly {
    role: string
    atMs: number
    /** Deliveries that the killed process had claimed and not settled: what its death may duplicate. */
    inFlight: number
  }[]
  /** Provider answers that the harness itself lost on the way, without the provider's knowledge. */
  lostAnswers: number
  /** How long a sender waits for a provider's answer, the least of all: a later one is as good as none. */
  answerTimeoutMs: number
  /** By how much a process's clock was put wrong. */
  skewAllowedMs: number
  /** How long after its expiry a call may still arrive: it was claimed in time, and was on its way. */
  expiryGraceMs: number
  /** Reasons of dead letters that the run provokes on purpose. */
  expectedDeadLetters: readonly string[]
  /** Whether dead letters were redriven: a delivery that had failed may then be sent. */
  redriven: boolean
  /** When the harness itself put committed offsets back. */
  rewindsAtMs: readonly number[]
  /** What the run's routers were told: caps of a person over all categories. */
  userCaps: readonly Cap[]
  /** When nobody could count under caps, since Redis was away or a router had not found back to it. */
  capsAway: readonly { fromMs: number; untilMs: number }[]
  /** How much later than its routing a notification may reach its provider on a machine that does much else. */
  sendLagMs: number
  /** When nobody may call a channel, since an operator had paused it long enough before and not yet resumed it. */
  pauses: readonly { channel: string; fromMs: number; untilMs: number }[]
}

export interface Observations {
  requests: readonly RequestedEvent[]
  unreadable: readonly UnreadableRecord[]
  statuses: readonly StatusRecord[]
  deadLetters: readonly DeadLetter[]
  retries: readonly RetryRecord[]
  notifications: readonly NotificationRow[]
  deliveries: readonly DeliveryRow[]
  scheduled: readonly ScheduledRow[]
  people: readonly Person[]
  categories: readonly Category[]
  places: readonly Place[]
  calls: readonly ProviderCall[]
  webhooks: readonly WebhookEvent[]
  regressions: readonly Regression[]
  positions: readonly GroupPosition[]
  commits: readonly Commit[]
  schedule: Schedule
}
