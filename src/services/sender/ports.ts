/**
 * What the sender needs from outside, as small as it needs it. roles/ hands it the adapters.
 */
import type { Channel, Lane } from '../../domain/channel.ts'
import type { ClaimAction, ClaimContext, ClaimRequest, ClaimVerdict } from '../../domain/claim.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { Digest } from '../../domain/identity.ts'
import type { Message } from '../../domain/message.ts'
import type { Outcome, Provider } from '../../domain/provider.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { DeadLetterReason, PoisonReason, StatusReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import type { SettledDelivery, Settlement } from '../../domain/settlement.ts'
import type { RetryRung, TopicNames } from '../../domain/topic-names.ts'
import type { ChannelPause } from './channel-pauses.ts'

export type DecodedCommand = { kind: 'command'; command: DeliveryCommand } | { kind: 'poison'; reason: PoisonReason }

export interface CommandReader {
  /** One result for each value, in order. Throws DependencyUnavailable when a schema cannot be had now. */
  decode(values: readonly (Uint8Array | null)[]): Promise<DecodedCommand[]>
}

export interface DeliveryRows {
  /** @param requests distinct by delivery id. @returns a verdict for each. */
  claim(context: ClaimContext, requests: readonly ClaimRequest[]): Promise<ClaimVerdict[]>
  /** @param settlements distinct by delivery id. @returns the row of each, moved or not. */
  settle(settlements: readonly Settlement[]): Promise<SettledDelivery[]>
}

export type Rendered = { kind: 'rendered'; message: Message } | { kind: 'refused'; reason: StatusReason }

export interface Renderer {
  /** Loads the pinned templates of the commands; throws DependencyUnavailable where it cannot. */
  prepare(commands: readonly DeliveryCommand[]): Promise<void>
  /**
   * Synchronous, from what `prepare` loaded.
   * @param category.mandatory nobody can leave it, so nothing offers it.
   */
  render(command: DeliveryCommand, category: { mandatory: boolean }): Rendered
}

export interface SenderPorts {
  reader: CommandReader
  rows: DeliveryRows
  renderer: Renderer
  provider: Provider
  pause: ChannelPause
  publish(records: readonly OutgoingRecord[]): Promise<void>
  deadLetter(topic: string, record: ConsumedRecord, reason: DeadLetterReason | StatusReason): OutgoingRecord
  encodeStatus(status: DeliveryStatus): Uint8Array
  encodeFeedback(feedback: ProviderFeedback): Uint8Array
  topics: TopicNames
  /** Keyed, as the suppression list holds addresses. */
  hashAddress(channel: Channel, address: string): Uint8Array
  sha1: Digest
  sha256: Digest
  /** Unix ms. */
  now(): number
  /** Monotonic ms: what leases are measured by. */
  monotonicNow(): number
  /** Resolves after the wait, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  observe(observation: SenderObservation): void
}

/** What the sender tells logs and metrics. */
export type SenderObservation =
  | { kind: 'claimed'; action: ClaimAction; count: number }
  | { kind: 'called'; provider: string; category: string; outcome: Outcome; durationMs: number; messages: number }
  /** `latencyMs`: since its time had come. */
  | { kind: 'sent'; lane: Lane; latencyMs: number }
  | { kind: 'status'; status: DeliveryStatus }
  /** Its record goes to a rung of the ladder. */
  | { kind: 'waiting'; rung: RetryRung }
  | { kind: 'dead_letter'; topic: string; reason: DeadLetterReason | StatusReason }
  | { kind: 'unavailable'; stage: string; fault: DependencyUnavailable; attempt: number }
  | { kind: 'held'; provider: string; holdMs: number }
  | { kind: 'late_result'; state: string }
