/**
 * What a provider or a person reported after the hand-over, as avro/provider-feedback.avsc has it. Times are Unix ms.
 */
import type { Channel } from './channel.ts'
import type { ProviderReason } from './reason.ts'

export const feedbackKinds = [
  'delivered',
  'bounced',
  'failed',
  'opened',
  'clicked',
  'unsubscribed',
  'complained',
  'stopped',
  'restarted',
  'invalid_address',
] as const
export type FeedbackKind = (typeof feedbackKinds)[number]

export interface ProviderFeedback {
  /** The same event reported twice carries the same id. */
  feedbackId: string
  kind: FeedbackKind
  deliveryId: string | null
  /** Null where the edge itself saw it. */
  provider: string | null
  providerMessageId: string | null
  /** Null where it follows from the delivery. */
  channel: Channel | null
  /** Keyed hash, as the suppressions hold it; null where it follows from the delivery. */
  addressHash: Uint8Array | null
  /** For `unsubscribed`: the category that the person left; null means every one that can be left. */
  category: string | null
  /** For `bounced` and `failed`: null where the provider does not say. */
  permanent: boolean | null
  reason: ProviderReason | null
  providerCode: string | null
  linkId: string | null
  /** Made by a machine (mail privacy proxy, link scanner), as far as that can be told. */
  automatic: boolean
  /** For `invalid_address`: since when the provider knows. */
  invalidSince: number | null
  occurredAt: number
  receivedAt: number
}

/**
 * The key of its record: feedback of one delivery stays in order, and so do the inbound messages of one address.
 */
export function feedbackKeyOf({ deliveryId, addressHash, feedbackId }: ProviderFeedback): string {
  if (deliveryId !== null) return deliveryId
  return addressHash === null ? feedbackId : Buffer.from(addressHash).toString('hex')
}
