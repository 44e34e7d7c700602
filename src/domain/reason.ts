/**
 * The closed reasons, shared by the status topic, Postgres, logs and metric labels. avro/ lists the status reasons
 * again for the data team; a contract test compares both, docs/contracts.md explains each.
 */

/** Why a request is refused before anything is planned. */
export const requestReasons = [
  'invalid_request',
  'invalid_user_id',
  'unknown_category',
  'unknown_template',
  'expires_before_created',
  'expires_before_send_at',
  'too_old',
  'in_future',
  'beyond_horizon',
  'too_large',
  'unknown_user',
  'missing_variable',
] as const
export type RequestReason = (typeof requestReasons)[number]

/** Why a person is not to hear of it, decided by the router and again by the claim. */
export const suppressionReasons = ['no_address', 'no_template', 'opted_out', 'address_suppressed', 'capped'] as const
export type SuppressionReason = (typeof suppressionReasons)[number]

/** Why a pass ends with waiting. */
export const deferralReasons = ['user_pending', 'send_at', 'quiet_hours', 'over_cap'] as const
export type DeferralReason = (typeof deferralReasons)[number]

export function isDeferralReason(reason: string | null): reason is DeferralReason {
  return deferralReasons.some((each) => each === reason)
}

/** What a provider's answer, or its absence, came to. Each provider maps every documented answer to one of these. */
export const providerReasons = [
  'throttled',
  'provider_unavailable',
  'connection_failed',
  'timed_out',
  'connection_lost',
  'unreadable_answer',
  'invalid_address',
  'unregistered',
  'recipient_opted_out',
  'recipient_unreachable',
  'content_refused',
  'message_too_large',
  'sender_mismatch',
  'authentication_failed',
  'not_permitted',
  'account_misconfigured',
  'refused',
] as const
export type ProviderReason = (typeof providerReasons)[number]

/** What the sender itself decides about a delivery. */
export const senderReasons = ['past_expiry', 'template_error', 'attempts_exhausted', 'ambiguous', 'cancelled'] as const
export type SenderReason = (typeof senderReasons)[number]

/** What a record of an already known notification came to, and feedback without a delivery. */
export const bookkeepingReasons = ['repeated_id', 'conflict', 'orphan'] as const

export const statusReasons = [
  ...requestReasons,
  ...suppressionReasons,
  ...deferralReasons,
  ...providerReasons,
  ...senderReasons,
  ...bookkeepingReasons,
] as const
export type StatusReason = (typeof statusReasons)[number]

/** Why the bytes of a record could not be read. */
export const poisonReasons = [
  'empty_value',
  'not_avro',
  'unknown_schema_id',
  'wrong_record_type',
  'undecodable',
] as const
export type PoisonReason = (typeof poisonReasons)[number]

/** Why a record went to a dead-letter topic: unreadable, unusable, or a delivery that failed with a status reason. */
export type DeadLetterReason =
  | PoisonReason
  | ProviderReason
  | SenderReason
  | 'bad_header'
  | 'no_row'
  | 'data_error'
  | 'internal_error'
