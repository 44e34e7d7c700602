/**
 * What APNs's answers mean, after Apple's "Handling notification responses from APNs" (table 4, read 2026).
 */
import type { Outcome } from '../../domain/provider.ts'
import { notBeforeOfRetryAfter } from '../retry-after.ts'
import type { ApnsAnswer } from './client.ts'

export interface DocumentedAnswer {
  status: number
  /** Null for the acceptance, which has no body. */
  reason: string | null
  outcome: Outcome
}

const refused: Outcome = { kind: 'rejected', reason: 'refused' }
const badKey: Outcome = { kind: 'misconfigured', reason: 'authentication_failed' }
const badAccount: Outcome = { kind: 'misconfigured', reason: 'account_misconfigured' }
const dead: Outcome = { kind: 'rejected', reason: 'unregistered', invalidAddress: true }
const unavailable: Outcome = { kind: 'retry', reason: 'provider_unavailable' }
const throttled: Outcome = { kind: 'retry', reason: 'throttled' }
const tooLarge: Outcome = { kind: 'rejected', reason: 'message_too_large' }

/** Every documented refusal, and the outcome that it comes to. */
export const documentedRefusals: readonly (DocumentedAnswer & { reason: string })[] = [
  // The message.
  { status: 400, reason: 'BadCollapseId', outcome: refused },
  { status: 400, reason: 'BadExpirationDate', outcome: refused },
  { status: 400, reason: 'BadMessageId', outcome: refused },
  { status: 400, reason: 'BadPriority', outcome: refused },
  { status: 400, reason: 'DuplicateHeaders', outcome: refused },
  { status: 400, reason: 'InvalidPushType', outcome: refused },
  { status: 400, reason: 'MissingDeviceToken', outcome: refused },
  { status: 400, reason: 'PayloadEmpty', outcome: refused },
  { status: 413, reason: 'PayloadTooLarge', outcome: tooLarge },
  // The device. A bad token or topic may be a sandbox token in production or the key of another app: all tokens would
  // look so, and devices must not be forgotten for it. Only a 410 says that the device is gone.
  { status: 400, reason: 'BadDeviceToken', outcome: { kind: 'rejected', reason: 'invalid_address' } },
  { status: 400, reason: 'DeviceTokenNotForTopic', outcome: { kind: 'rejected', reason: 'sender_mismatch' } },
  { status: 410, reason: 'ExpiredToken', outcome: dead },
  { status: 410, reason: 'Unregistered', outcome: dead },
  // The account.
  { status: 400, reason: 'BadTopic', outcome: badAccount },
  { status: 400, reason: 'MissingTopic', outcome: badAccount },
  { status: 400, reason: 'TopicDisallowed', outcome: badAccount },
  { status: 403, reason: 'BadCertificate', outcome: badKey },
  { status: 403, reason: 'BadCertificateEnvironment', outcome: badAccount },
  { status: 403, reason: 'BadEnvironmentKeyIdInToken', outcome: badAccount },
  { status: 403, reason: 'Forbidden', outcome: { kind: 'misconfigured', reason: 'not_permitted' } },
  { status: 403, reason: 'InvalidProviderToken', outcome: badKey },
  { status: 403, reason: 'MissingProviderToken', outcome: badKey },
  { status: 403, reason: 'UnrelatedKeyIdInToken', outcome: badKey },
  { status: 404, reason: 'BadPath', outcome: badAccount },
  { status: 405, reason: 'MethodNotAllowed', outcome: badAccount },
  { status: 429, reason: 'TooManyProviderTokenUpdates', outcome: badAccount },
  // Not now. The SDK signs a new provider token as soon as it reads that the old one has expired.
  { status: 403, reason: 'ExpiredProviderToken', outcome: { kind: 'retry', reason: 'authentication_failed' } },
  { status: 400, reason: 'IdleTimeout', outcome: unavailable },
  { status: 429, reason: 'TooManyRequests', outcome: throttled },
  { status: 500, reason: 'InternalServerError', outcome: unavailable },
  { status: 503, reason: 'ServiceUnavailable', outcome: unavailable },
  { status: 503, reason: 'Shutdown', outcome: unavailable },
]

const outcomeByReason = new Map(documentedRefusals.map(({ reason, outcome }) => [reason, outcome]))

/** @param answer with Retry-After where there is one, which Apple does not document but its servers may send. */
export function classifyAnswer(answer: ApnsAnswer, nowMs: number): Outcome {
  if (answer.status === 200) return classifyAcceptance(answer)
  const reason = reasonOf(answer.body)
  const outcome = outcomeByReason.get(reason ?? '') ?? outcomeByStatus(answer.status, answer.body !== '' && !reason)
  if (outcome.kind === 'rejected' && outcome.invalidAddress === true)
    return { ...outcome, ...invalidSinceOf(answer.body) }
  const notBeforeMs = notBeforeOfRetryAfter(answer.retryAfter, nowMs)
  return outcome.kind === 'retry' && notBeforeMs !== undefined ? { ...outcome, notBeforeMs } : { ...outcome }
}

/** The `timestamp` of a 410: when APNs last confirmed that the token is not the app's any more, in Unix ms. */
function invalidSinceOf(body: string): { invalidSinceMs?: number } {
  const timestamp = fieldsOf(body)['timestamp']
  const isInstant = typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp > 0
  return isInstant ? { invalidSinceMs: timestamp } : {}
}

/** An acceptance has no body and names the notification; a 200 of anything else proves nothing. */
function classifyAcceptance({ apnsId, body }: ApnsAnswer): Outcome {
  if (apnsId === undefined || body !== '') return { kind: 'unknown', reason: 'unreadable_answer' }
  return { kind: 'accepted', providerMessageId: apnsId }
}

/** For a reason that is new, missing, or hidden behind something that is not APNs. */
function outcomeByStatus(status: number, unreadable: boolean): Outcome {
  // A gateway stopped waiting for APNs, which may have the notification (RFC 9110, section 15.6.5).
  if (status === 504) return { kind: 'unknown', reason: unreadable ? 'unreadable_answer' : 'timed_out' }
  if (status < 400) return { kind: 'unknown', reason: 'unreadable_answer' }
  // Neither a proxy's 4xx nor its 5xx has delivered anything, and neither is a verdict of APNs.
  if (unreadable) return { kind: 'retry', reason: 'unreadable_answer' }
  if (status === 401 || status === 403) return badKey
  if (status === 404 || status === 405) return badAccount
  if (status === 413) return tooLarge
  if (status === 429) return throttled
  return status < 500 ? refused : unavailable
}

function reasonOf(body: string): string | undefined {
  const { reason } = fieldsOf(body)
  return typeof reason === 'string' ? reason : undefined
}

/** Empty for what is no JSON object. */
function fieldsOf(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}
