/**
 * The port that every provider fits: a batch of messages in, one outcome each out.
 */
import type { Channel } from './channel.ts'
import type { MessageKind, MessageOf } from './message.ts'
import type { ProviderReason } from './reason.ts'

export interface OutgoingMessage<Kind extends MessageKind = MessageKind> {
  deliveryId: string
  /** Device token, E.164 number or email address. */
  address: string
  message: MessageOf<Kind>
  /** Unix ms; passed on where the provider honours it, so that it drops what would arrive too late. */
  expiresAt: number
  collapseKey: string | null
}

/**
 * What a call came to.
 * - accepted: the provider has it.
 * - retry: a definite no that may turn into a yes; not before `notBeforeMs` (Unix ms) where the provider said so.
 * - rejected: a definite and final no; `invalidAddress` says that the address itself is dead, and `invalidSinceMs` (Unix
 *   ms) since when the provider knows, where it says so.
 * - unknown: nobody can tell whether it was accepted (time-out, connection lost after the request was written).
 * - misconfigured: our account's fault, the same for every message: spends no attempt and pauses the account.
 */
export type Outcome =
  | { kind: 'accepted'; providerMessageId: string }
  | { kind: 'retry'; reason: ProviderReason; notBeforeMs?: number }
  | { kind: 'rejected'; reason: ProviderReason; invalidAddress?: boolean; invalidSinceMs?: number }
  | { kind: 'unknown'; reason: ProviderReason }
  | { kind: 'misconfigured'; reason: ProviderReason }

export interface Provider<Kind extends MessageKind = MessageKind> {
  /** Lower case, as in configuration, rows, statuses and metrics: `apns`. */
  readonly name: string
  readonly channel: Channel
  /** The most messages that one `send` takes. */
  readonly maxBatch: number
  /**
   * Hands the batch to the provider, at most one call in its ledger for each message, and answers within the
   * provider's own call time-out. Never throws for anything that the provider or the network did.
   * @returns one outcome for each message, in order.
   */
  send(batch: readonly OutgoingMessage<Kind>[], signal: AbortSignal): Promise<Outcome[]>
  close(): Promise<void>
}

/** Milliseconds that a provider may need beyond its own time-out to give its answer back; a lease outlasts both. */
export const answerGraceMs = 2_000
