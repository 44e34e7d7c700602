/**
 * What the feedback service needs from outside, as small as it needs it. roles/ hands it the adapters.
 */
import type { RequestChannel } from '../../domain/channel.ts'
import type { DeliveryReport } from '../../domain/delivery-report.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { FeedbackAction, ReportedDelivery } from '../../domain/feedback-effect.ts'
import type { Digest } from '../../domain/identity.ts'
import type { FeedbackKind, ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { DeadLetterReason, PoisonReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import type { Suppression, SuppressionCause } from '../../domain/suppression.ts'
import type { TopicNames } from '../../domain/topic-names.ts'

export type DecodedFeedback =
  | { kind: 'feedback'; feedback: ProviderFeedback }
  | { kind: 'poison'; reason: PoisonReason }

export interface FeedbackReader {
  /** One result for each value, in order. Throws DependencyUnavailable when a schema cannot be had now. */
  decode(values: readonly (Uint8Array | null)[]): Promise<DecodedFeedback[]>
}

type ActionOf<Kind extends FeedbackAction['kind']> = Omit<Extract<FeedbackAction, { kind: Kind }>, 'kind'>
export type LiftedStop = ActionOf<'lift'>
export type SoftBounce = ActionOf<'soft_bounce'>
export type DeadToken = Omit<ActionOf<'invalidate_device'>, 'userId'>
export type OptOut = ActionOf<'opt_out'>

export interface ReportedRows {
  /** Those that have a row, by id in lower case. */
  find(deliveryIds: readonly string[]): Promise<Map<string, ReportedDelivery>>
  /** @param reports distinct by delivery id. */
  apply(reports: readonly DeliveryReport[]): Promise<unknown>
  /** Asks for a recount of the hours of these moments, Unix ms; once `apply` has answered. */
  markHours(momentsMs: readonly number[]): Promise<void>
}

export interface AddressHygiene {
  /** @param suppressions no two of one channel, address, scope and cause. */
  suppress(suppressions: readonly Suppression[]): Promise<void>
  liftStops(lifted: readonly LiftedStop[]): Promise<void>
  /** @param bounces no two of one address and report. */
  recordSoftBounces(bounces: readonly SoftBounce[]): Promise<void>
  /** @param tokens each once. @returns the users whose devices they were. */
  invalidateDevices(tokens: readonly DeadToken[]): Promise<number[]>
}

export interface FeedbackPorts {
  reader: FeedbackReader
  rows: ReportedRows
  hygiene: AddressHygiene
  writeOptOuts(optOuts: readonly OptOut[]): Promise<unknown>
  /** Puts these people's profiles into the cache as they are now. A cache that is away is none of its failures. */
  refreshProfiles(userIds: readonly number[]): Promise<void>
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  deadLetter(topic: string, record: ConsumedRecord, reason: DeadLetterReason): OutgoingRecord
  encodeStatus(status: DeliveryStatus): Uint8Array
  topics: TopicNames
  /** Keyed, as the suppression list holds addresses. */
  hashAddress(channel: RequestChannel, address: string): Uint8Array
  sha1: Digest
  observe(observation: FeedbackObservation): void
}

/** What the feedback service tells logs and metrics; of a chunk that comes again, again. */
export type FeedbackObservation =
  /** `orphan`: about a delivery that nobody knows; `address`: about none. */
  | { kind: 'feedback'; feedbackKind: FeedbackKind; about: 'delivery' | 'orphan' | 'address' }
  | { kind: 'status'; status: DeliveryStatus }
  | { kind: 'suppressed'; channel: RequestChannel; cause: SuppressionCause }
  | { kind: 'devices_invalidated'; count: number }
  | { kind: 'dead_letter'; topic: string; reason: DeadLetterReason }
