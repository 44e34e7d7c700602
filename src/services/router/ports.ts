/**
 * What the router needs from outside, as small as it needs it. roles/ hands it the adapters.
 */
import type { Cancellation } from '../../domain/cancellation.ts'
import type { Cap, Category } from '../../domain/category.ts'
import type { RequestChannel } from '../../domain/channel.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { Digest } from '../../domain/identity.ts'
import type { NotificationCancelled, NotificationRequested } from '../../domain/notification.ts'
import type { LogEntry, NewLogEntry, NotificationKey } from '../../domain/notification-log.ts'
import type { Profile } from '../../domain/profile.ts'
import type { DeadLetterReason, DeferralReason, PoisonReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import type { PublishedTemplate } from '../../domain/template.ts'
import type { CapAnswer, CapRequest } from '../../domain/throttle.ts'
import type { TopicNames } from '../../domain/topic-names.ts'

export type DecodedRequest =
  | { kind: 'requested'; event: NotificationRequested }
  | { kind: 'cancelled'; event: NotificationCancelled }
  | { kind: 'poison'; reason: PoisonReason }

export interface RequestReader {
  /** One result for each value, in order. Throws DependencyUnavailable when a schema cannot be had now. */
  decode(values: readonly (Uint8Array | null)[]): Promise<DecodedRequest[]>
}

export interface NotificationLog {
  /** The rows with these ids on their day and its neighbours, in one statement. */
  lookUp(keys: readonly NotificationKey[]): Promise<LogEntry[]>
  /** Inserts log rows and deliveries, one statement for each day. @returns the keys of those that won. */
  record(entries: readonly NewLogEntry[]): Promise<NotificationKey[]>
}

export interface CancellationLog {
  cancel(request: { key: NotificationKey; userId: number }): Promise<Cancellation>
}

/** Profiles by user id, one round trip; users that do not exist are absent. */
export type LoadProfiles = (userIds: readonly number[]) => Promise<ReadonlyMap<number, Profile>>
export type LoadCategories = (names: readonly string[]) => Promise<ReadonlyMap<string, Category>>
export type LoadTemplates = (templateIds: readonly string[]) => Promise<ReadonlyMap<string, PublishedTemplate>>

export interface CapReservations {
  /** One answer for each, in order, in one round trip. Never throws. */
  reserve(requests: readonly CapRequest[]): Promise<CapAnswer[]>
  /** Gives the place of a cancelled notification back. Never throws. */
  release(place: Pick<CapRequest, 'member' | 'userId' | 'category'>): Promise<void>
}

export interface RouterPorts {
  reader: RequestReader
  log: NotificationLog & CancellationLog
  loadProfiles: LoadProfiles
  loadCategories: LoadCategories
  loadTemplates: LoadTemplates
  /** Whether each is on the suppression list, for its category or for all; in order, one round trip. */
  findSuppressed(
    questions: readonly { channel: RequestChannel; address: string; category: string }[],
  ): Promise<boolean[]>
  caps: CapReservations
  /** Over all of a person's categories that know caps. */
  userCaps: readonly Cap[]
  /** An IANA name, for people about whose time zone nothing is known. */
  defaultZone: string
  encodeCommand(command: DeliveryCommand): Uint8Array
  encodeStatus(status: DeliveryStatus): Uint8Array
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  deadLetter(topic: string, record: ConsumedRecord, reason: DeadLetterReason): OutgoingRecord
  topics: TopicNames
  sha256: Digest
  sha1: Digest
  /** Unix ms. */
  now(): number
  observe(observation: RouterObservation): void
}

/** What the router tells metrics about a chunk. */
export type RouterObservation =
  | { kind: 'status'; status: DeliveryStatus }
  | { kind: 'dead_letter'; topic: string; reason: DeadLetterReason }
  | { kind: 'foreign_key' }
  | { kind: 'wrong_lane' }
  | { kind: 'deferred'; reason: DeferralReason }
