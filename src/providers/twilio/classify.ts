/**
 * What Twilio's refusals mean: one table of the documented codes, and a rule by HTTP status for everything else.
 *
 * Each code is documented at twilio.com/docs/api/errors/<code>. Twilio refines its codes now and then (21635 and
 * 21659 to 21661 were split off in 2024), so a code that is not in the table falls back to its status.
 *
 * A refusal that depends on the recipient is `rejected` even where the account could be changed to allow it (21408,
 * 21608): `misconfigured` pauses the account for everybody, and one foreign number must not do that.
 */
import type { Outcome } from '../../domain/provider.ts'
import { notBeforeOfRetryAfter } from '../retry-after.ts'
import type { TwilioRefusal } from './client.ts'

export interface DocumentedAnswer {
  code: number
  /** The status that the code comes with; the code alone decides. */
  status: number
  title: string
  outcome: Outcome
}

const deadNumber: Outcome = { kind: 'rejected', reason: 'invalid_address', invalidAddress: true }
const badContent: Outcome = { kind: 'rejected', reason: 'content_refused' }
const notPermitted: Outcome = { kind: 'rejected', reason: 'not_permitted' }
const throttled: Outcome = { kind: 'retry', reason: 'throttled' }
const unavailable: Outcome = { kind: 'retry', reason: 'provider_unavailable' }
const badCredentials: Outcome = { kind: 'misconfigured', reason: 'authentication_failed' }
const forbidden: Outcome = { kind: 'misconfigured', reason: 'not_permitted' }
const badAccount: Outcome = { kind: 'misconfigured', reason: 'account_misconfigured' }

export const documentedAnswers: readonly DocumentedAnswer[] = [
  // The account and its credentials.
  { code: 10001, status: 401, title: 'account is not active', outcome: badAccount },
  { code: 10002, status: 403, title: 'trial account does not support the feature', outcome: badAccount },
  { code: 20003, status: 401, title: 'authentication failed', outcome: badCredentials },
  { code: 20005, status: 401, title: 'account not active (no funds)', outcome: badAccount },
  { code: 20006, status: 403, title: 'access denied', outcome: forbidden },
  { code: 20008, status: 403, title: 'resource not accessible with test credentials', outcome: badCredentials },
  { code: 20403, status: 403, title: 'forbidden', outcome: forbidden },
  { code: 20404, status: 404, title: 'no such account or resource', outcome: badAccount },
  { code: 30002, status: 400, title: 'account suspended', outcome: badAccount },
  { code: 70051, status: 403, title: 'authorization failed (key lacks the permission)', outcome: forbidden },
  { code: 90010, status: 400, title: 'account is not active', outcome: badAccount },
  // The sender: our number, service or callback, the same for every message.
  { code: 21212, status: 400, title: "invalid 'From' number", outcome: badAccount },
  { code: 21267, status: 400, title: 'alphanumeric sender on a trial account', outcome: badAccount },
  { code: 21601, status: 400, title: "'From' is not an SMS-capable number of the account", outcome: badAccount },
  { code: 21603, status: 400, title: "'From' is required", outcome: badAccount },
  { code: 21606, status: 400, title: "'From' is not message-capable for this account", outcome: badAccount },
  { code: 21607, status: 400, title: "'From' must be the trial number", outcome: badAccount },
  { code: 21609, status: 400, title: 'invalid StatusCallback', outcome: badAccount },
  { code: 21659, status: 400, title: "'From' is not a Twilio number", outcome: badAccount },
  { code: 21660, status: 400, title: "'From' belongs to another account", outcome: badAccount },
  { code: 21661, status: 400, title: "'From' is not SMS-capable", outcome: badAccount },
  { code: 21701, status: 404, title: 'no such messaging service', outcome: badAccount },
  { code: 21703, status: 400, title: 'messaging service without numbers', outcome: badAccount },
  { code: 21704, status: 400, title: 'messaging service contains no numbers', outcome: badAccount },
  { code: 21705, status: 400, title: 'invalid messaging service sid', outcome: badAccount },
  { code: 30032, status: 400, title: 'toll-free number not verified', outcome: badAccount },
  { code: 30034, status: 400, title: 'US A2P 10DLC number not registered', outcome: badAccount },
  // The recipient's number can never take an SMS.
  { code: 21211, status: 400, title: "invalid 'To' number", outcome: deadNumber },
  { code: 21265, status: 400, title: "'To' is a short code", outcome: deadNumber },
  { code: 21266, status: 400, title: "'To' and 'From' are the same", outcome: deadNumber },
  { code: 21268, status: 400, title: "'To' is a premium number", outcome: deadNumber },
  { code: 21604, status: 400, title: "'To' is required", outcome: deadNumber },
  { code: 21614, status: 400, title: "'To' is not a mobile number", outcome: deadNumber },
  { code: 21635, status: 400, title: "'To' is a landline", outcome: deadNumber },
  // The recipient does not want it, or cannot be reached or served from this account.
  {
    code: 21610,
    status: 400,
    title: 'recipient unsubscribed',
    outcome: { kind: 'rejected', reason: 'recipient_opted_out' },
  },
  {
    code: 21612,
    status: 400,
    title: "no route from 'From' to 'To'",
    outcome: { kind: 'rejected', reason: 'recipient_unreachable' },
  },
  { code: 21408, status: 403, title: 'region not enabled for the account', outcome: notPermitted },
  { code: 21608, status: 400, title: "'To' not verified on a trial account", outcome: notPermitted },
  { code: 572002, status: 400, title: "'From' is not the recipient's trial number", outcome: notPermitted },
  { code: 572005, status: 400, title: "'To' has not completed verification on a trial account", outcome: notPermitted },
  // The message.
  { code: 21602, status: 400, title: 'body is required', outcome: badContent },
  {
    code: 21617,
    status: 400,
    title: 'body over 1600 characters',
    outcome: { kind: 'rejected', reason: 'message_too_large' },
  },
  { code: 21618, status: 400, title: 'body cannot be sent', outcome: badContent },
  { code: 21619, status: 400, title: 'body or media must be given', outcome: badContent },
  { code: 21624, status: 400, title: 'invalid ValidityPeriod', outcome: { kind: 'rejected', reason: 'refused' } },
  { code: 90007, status: 400, title: 'invalid ValidityPeriod', outcome: { kind: 'rejected', reason: 'refused' } },
  // Not now. A 429 is never processed and always safe to repeat (20429).
  { code: 20429, status: 429, title: 'too many requests', outcome: throttled },
  { code: 21611, status: 429, title: "the queue of 'From' is full", outcome: throttled },
  { code: 30001, status: 429, title: 'queue overflow', outcome: throttled },
  { code: 63017, status: 429, title: 'over 2000 messages a second', outcome: throttled },
  { code: 63038, status: 429, title: "over the account's daily limit", outcome: throttled },
  { code: 20503, status: 503, title: 'service unavailable', outcome: unavailable },
  { code: 21730, status: 503, title: 'under maintenance', outcome: unavailable },
  // Twilio warns that after a 500 the message may have been sent, and that a repetition may send it twice (20500).
  { code: 20500, status: 500, title: 'internal error', outcome: { kind: 'unknown', reason: 'provider_unavailable' } },
]

const outcomeByCode = new Map(documentedAnswers.map(({ code, outcome }) => [code, outcome]))

/** @returns the outcome of an answer other than 2xx, with Retry-After where Twilio sent one. */
export function classifyRefusal(refusal: TwilioRefusal, nowMs: number): Outcome {
  const outcome = (refusal.code === null ? undefined : outcomeByCode.get(refusal.code)) ?? outcomeByStatus(refusal)
  const notBeforeMs = notBeforeOfRetryAfter(refusal.retryAfter, nowMs)
  return outcome.kind === 'retry' && notBeforeMs !== undefined ? { ...outcome, notBeforeMs } : { ...outcome }
}

function outcomeByStatus({ status, readable }: TwilioRefusal): Outcome {
  switch (status) {
    case 401:
      return badCredentials
    case 403:
      return forbidden
    case 402:
    case 404:
    case 405:
      return badAccount
    case 413:
      return { kind: 'rejected', reason: 'message_too_large' }
    case 408:
    case 425:
      return unavailable
    case 429:
      return throttled
    case 500:
      return { kind: 'unknown', reason: 'provider_unavailable' }
    case 504:
      // A gateway stopped waiting for Twilio, which may have the message (RFC 9110, section 15.6.5).
      return { kind: 'unknown', reason: 'timed_out' }
  }
  // Redirects are not followed, a repeated POST could send twice: the endpoint is wrong.
  if (status < 400) return badAccount
  if (status < 500) return { kind: 'rejected', reason: readable ? 'refused' : 'unreadable_answer' }
  return readable ? unavailable : { kind: 'retry', reason: 'unreadable_answer' }
}
