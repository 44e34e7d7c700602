/**
 * Suppressions: addresses that nobody may write to, and why. An address may be on the list for several causes at once;
 * each is a row of its own and is lifted by itself, so that a STOP outlives a bounce that an operator has looked into.
 */
import type { RequestChannel } from './channel.ts'

/**
 * - hard_bounce: the provider says for good that it cannot be reached.
 * - soft_bounces: it could not be reached too often in too short a time.
 * - invalid_address: the provider refuses it as an address.
 * - complaint: its owner called a message of ours spam.
 * - unsubscribed: its owner left at the provider.
 * - stop: its owner answered STOP; START lifts it.
 * - manual: an operator's.
 */
export const suppressionCauses = [
  'hard_bounce',
  'soft_bounces',
  'invalid_address',
  'complaint',
  'unsubscribed',
  'stop',
  'manual',
] as const
export type SuppressionCause = (typeof suppressionCauses)[number]

/** The scope of a suppression that holds for every category. */
export const everyCategory = 'all'

export interface Suppression {
  channel: RequestChannel
  /** Keyed; the list holds no address. */
  addressHash: Uint8Array
  /** `all`, or a category. */
  scope: string
  cause: SuppressionCause
  /** Unix ms. */
  sinceMs: number
}

/** So many soft bounces of one address within the window, and it is suppressed. */
export const softBounceLimit = { count: 5, windowMs: 7 * 86_400_000 }
