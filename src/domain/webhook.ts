/**
 * The port that every provider's webhook fits: a request as the provider made it in; what it proves and reports out.
 *
 * Reading is pure but for the keys that it was made with: no state, no clock. So whoever reads the same request twice
 * reads the same reports, with the same ids, and a repeat is absorbed wherever it goes.
 */
import type { ProviderFeedback } from './provider-feedback.ts'

export interface WebhookRequest {
  /** As the provider called it: public origin, path and query. */
  url: string
  /** By lower-case names. */
  headers: Readonly<Record<string, string | undefined>>
  /** As it came: signatures are over bytes. */
  body: Uint8Array
}

/**
 * - unsigned: without a signature, or without what it is over.
 * - forged: with one that no key of ours agrees with.
 * - stale: signed, and too old or from the future: it may be a copy of one that was taken long ago.
 * - unreadable: signed, and not in the provider's documented form.
 */
export const webhookRefusals = ['unsigned', 'forged', 'stale', 'unreadable'] as const
export type WebhookRefusal = (typeof webhookRefusals)[number]

export type WebhookReading =
  | {
      kind: 'verified'
      /** What was signed, in one spelling: two requests with the same are one. */
      identity: Uint8Array
      /** Until when a copy of it would be accepted, Unix ms; null: for ever. */
      repeatableUntilMs: number | null
      feedback: ProviderFeedback[]
      /** Events in it that mean nothing to a delivery, or are about none of ours. */
      ignored: number
      /** Events whose word the provider has documented since. */
      unknown: number
    }
  | { kind: 'refused'; reason: WebhookRefusal }

export interface Webhook {
  /** Lower case, as in configuration, rows and metrics. */
  readonly provider: string
  /** Under the edge's public URL. */
  readonly path: string
  /** Above the largest request that the provider documents. */
  readonly bodyLimitBytes: number
  /** @param nowMs Unix ms. */
  read(request: WebhookRequest, nowMs: number): WebhookReading
}

/** The keyed hash under which the suppression list knows an address. */
export type HashAddress = (channel: 'sms' | 'email', address: string) => Uint8Array
