/**
 * What SendGrid's answers mean: one table by status and, for 400 and 403, by the field that the error names.
 *
 * Sources: twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses and …/errors (statuses),
 * …/api-reference/mail-send/errors (fields of 400), support.sendgrid.com article 18322114821403 (4XX).
 * Error messages are never looked at: they change, and some quote the address.
 */
import type { Outcome } from '../../domain/provider.ts'
import { notBeforeOfRetryAfter, notBeforeOfUnixSeconds } from '../retry-after.ts'
import type { SendgridAnswer } from './client.ts'

export interface DocumentedAnswer {
  status: number
  /** One of the errors must name such a field; null takes any answer of this status. */
  field: RegExp | null
  /** A field as SendGrid writes it, for tests. */
  example: string | null
  title: string
  outcome: Outcome
}

const badAccount: Outcome = { kind: 'misconfigured', reason: 'account_misconfigured' }
const badContent: Outcome = { kind: 'rejected', reason: 'content_refused' }
const refused: Outcome = { kind: 'rejected', reason: 'refused' }
const deadAddress: Outcome = { kind: 'rejected', reason: 'invalid_address', invalidAddress: true }
const badCredentials: Outcome = { kind: 'misconfigured', reason: 'authentication_failed' }
const notPermitted: Outcome = { kind: 'misconfigured', reason: 'not_permitted' }
const unavailable: Outcome = { kind: 'retry', reason: 'provider_unavailable' }

/** The first that matches counts: our own fault, the same for every mail, before the recipient's, before the mail's. */
export const documentedAnswers: readonly DocumentedAnswer[] = [
  { status: 400, field: /^from\b/, example: 'from.email', title: 'invalid sender', outcome: badAccount },
  { status: 400, field: /^reply_to\b/, example: 'reply_to.email', title: 'invalid reply address', outcome: badAccount },
  {
    status: 400,
    field: /^personalizations\.\d+\.to\b/,
    example: 'personalizations.0.to.0.email',
    title: 'invalid recipient',
    outcome: deadAddress,
  },
  { status: 400, field: /^subject$/, example: 'subject', title: 'no subject', outcome: badContent },
  {
    status: 400,
    field: /^content\b/,
    example: 'content.0.value',
    title: 'empty or malformed content',
    outcome: badContent,
  },
  {
    status: 400,
    field: /^headers\b/,
    example: 'headers.received',
    title: 'reserved or malformed header',
    outcome: badContent,
  },
  {
    status: 400,
    field: /^personalizations\b/,
    example: 'personalizations',
    title: 'malformed personalization',
    outcome: refused,
  },
  {
    status: 400,
    field: /^custom_args\b/,
    example: 'custom_args',
    title: 'custom arguments over 10,000 bytes',
    outcome: refused,
  },
  { status: 400, field: null, example: null, title: 'bad request', outcome: refused },
  // Also "Maximum credits exceeded", which only its message tells apart.
  { status: 401, field: null, example: null, title: 'invalid, expired or revoked key', outcome: badCredentials },
  { status: 403, field: /^from\b/, example: 'from', title: 'sender is not a verified identity', outcome: badAccount },
  {
    status: 403,
    field: null,
    example: null,
    title: 'key lacks the scope, or blocked after bad requests',
    outcome: notPermitted,
  },
  { status: 404, field: null, example: null, title: 'no such resource: wrong endpoint', outcome: badAccount },
  { status: 405, field: null, example: null, title: 'method not allowed: wrong endpoint', outcome: badAccount },
  { status: 406, field: null, example: null, title: 'Accept header missing', outcome: badAccount },
  {
    status: 413,
    field: null,
    example: null,
    title: 'over 30 MB',
    outcome: { kind: 'rejected', reason: 'message_too_large' },
  },
  { status: 415, field: null, example: null, title: 'not JSON', outcome: badAccount },
  {
    status: 429,
    field: null,
    example: null,
    title: 'rate limit exceeded',
    outcome: { kind: 'retry', reason: 'throttled' },
  },
  { status: 451, field: null, example: null, title: 'data residency forbids it', outcome: notPermitted },
  { status: 500, field: null, example: null, title: 'internal error', outcome: unavailable },
  { status: 503, field: null, example: null, title: 'service not available', outcome: unavailable },
]

/** @returns the outcome, with X-RateLimit-Reset or Retry-After where SendGrid sent one. */
export function classifyAnswer(answer: SendgridAnswer, nowMs: number): Outcome {
  const { status, headers } = answer
  if (status >= 200 && status < 300) return outcomeOfSuccess(answer)
  const outcome = outcomeOfRefusal(answer)
  if (outcome.kind !== 'retry') return { ...outcome }
  // X-RateLimit-Reset is on every answer; only a 429 says that it must be waited for.
  const reset = status === 429 ? notBeforeOfUnixSeconds(headers['x-ratelimit-reset'], nowMs) : undefined
  const notBeforeMs = reset ?? notBeforeOfRetryAfter(headers['retry-after'], nowMs)
  return notBeforeMs === undefined ? { ...outcome } : { ...outcome, notBeforeMs }
}

/** SendGrid accepts with 202 and an id; any other success comes from something that is not SendGrid. */
function outcomeOfSuccess({ status, headers }: SendgridAnswer): Outcome {
  const providerMessageId = headers['x-message-id'] ?? ''
  if (status !== 202 || providerMessageId === '') return { kind: 'unknown', reason: 'unreadable_answer' }
  return { kind: 'accepted', providerMessageId }
}

function outcomeOfRefusal({ status, body }: SendgridAnswer): Outcome {
  const fields = errorFieldsOf(body)
  const documented = documentedAnswers.find(
    (row) => row.status === status && (row.field === null || fields.some((field) => row.field?.test(field))),
  )
  // SendGrid's front end answers 413 with HTML (github.com/sendgrid/sendgrid-nodejs/issues/370), and a 401 or 403 is
  // clear in any form; else a body that is not JSON was not SendGrid's.
  const unreadable = typeof body === 'string' && body !== ''
  if (unreadable && (status === 400 || status >= 500) && status !== 504) {
    return { kind: status === 400 ? 'rejected' : 'retry', reason: 'unreadable_answer' }
  }
  return documented?.outcome ?? outcomeOfUndocumented(status)
}

function outcomeOfUndocumented(status: number): Outcome {
  // Redirects are not followed, a repeated POST could send twice: the endpoint is wrong.
  if (status < 400) return badAccount
  // A gateway stopped waiting for SendGrid, which may have the mail (RFC 9110, section 15.6.5).
  if (status === 504) return { kind: 'unknown', reason: 'timed_out' }
  if (status >= 500 || status === 408 || status === 425) return unavailable
  return refused
}

/** The fields that `{"errors": [{"field": …}]}` names; errors of the request as a whole name none. */
function errorFieldsOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors)) return []
  return body.errors.flatMap((error: unknown) =>
    typeof error === 'object' && error !== null && 'field' in error && typeof error.field === 'string'
      ? [error.field]
      : [],
  )
}
