/**
 * Twilio's status callbacks: what became of a message after Twilio had accepted it.
 *
 * The delivery is the `delivery` parameter of the callback's URL, which is signed with it; a callback without one is of
 * a message that Fanfare did not send. Twilio sends no time, so what is reported happened when it was received.
 */
import { createdAtMsOf, isUuid } from '../../domain/identity.ts'
import type { FeedbackKind, ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { ProviderReason } from '../../domain/reason.ts'
import type { HashAddress, Webhook, WebhookReading, WebhookRequest } from '../../domain/webhook.ts'
import { formLimitBytes, readSignedForm } from './signature.ts'

/** The parameter of the callback's URL that holds the delivery's id. */
export const deliveryParameter = 'delivery'

/** A message may go out 27 days after its event (sendAt and time to live together); carriers report within days. */
const reportAgeLimitMs = 31 * 86_400_000

/**
 * Every status of the Message resource (twilio.com/docs/messaging/api/message-resource#message-status-values). Null: on
 * its way, never ours to send, or an inbound message's.
 */
export const documentedStatuses: Readonly<Record<string, FeedbackKind | null>> = {
  accepted: null,
  scheduled: null,
  queued: null,
  sending: null,
  sent: null,
  receiving: null,
  received: null,
  // Some of a group have it: no message of ours has a group.
  partially_delivered: null,
  // Of a scheduled message, by somebody in Twilio's console.
  canceled: 'failed',
  delivered: 'delivered',
  read: 'opened',
  undelivered: 'bounced',
  failed: 'failed',
}

export interface DocumentedError {
  code: number
  title: string
  reason: ProviderReason
  /** What it says of the number: dead for good, not reachable now, or nothing. */
  permanent: boolean | null
}

/** The codes that come with `undelivered` and `failed` (twilio.com/docs/api/errors); others are `refused`. */
export const documentedErrors: readonly DocumentedError[] = [
  { code: 21610, title: 'recipient unsubscribed', reason: 'recipient_opted_out', permanent: true },
  { code: 30001, title: 'queue overflow', reason: 'throttled', permanent: null },
  { code: 30002, title: 'account suspended', reason: 'account_misconfigured', permanent: null },
  { code: 30003, title: 'unreachable destination handset', reason: 'recipient_unreachable', permanent: false },
  { code: 30004, title: 'message blocked', reason: 'recipient_unreachable', permanent: false },
  { code: 30005, title: 'unknown destination handset', reason: 'invalid_address', permanent: true },
  { code: 30006, title: 'landline or unreachable carrier', reason: 'invalid_address', permanent: true },
  { code: 30007, title: 'message filtered', reason: 'content_refused', permanent: null },
  { code: 30008, title: 'unknown error', reason: 'refused', permanent: null },
  { code: 30010, title: 'price over the maximum', reason: 'not_permitted', permanent: null },
  { code: 30017, title: 'carrier network congestion', reason: 'provider_unavailable', permanent: null },
  { code: 30018, title: 'sender id not registered', reason: 'account_misconfigured', permanent: null },
  { code: 30019, title: "over the carrier's size limit", reason: 'message_too_large', permanent: null },
  { code: 30022, title: 'over the rate of the campaign', reason: 'throttled', permanent: null },
  { code: 30023, title: 'over the daily limit of the campaign', reason: 'throttled', permanent: null },
  { code: 30024, title: 'numeric sender id not provisioned', reason: 'account_misconfigured', permanent: null },
  { code: 30032, title: 'toll-free number not verified', reason: 'account_misconfigured', permanent: null },
  { code: 30034, title: 'US A2P 10DLC number not registered', reason: 'account_misconfigured', permanent: null },
  { code: 30036, title: 'validity period over', reason: 'recipient_unreachable', permanent: null },
  { code: 30410, title: 'provider timed out', reason: 'timed_out', permanent: null },
  { code: 30500, title: 'provider error', reason: 'provider_unavailable', permanent: null },
]

const errorByCode = new Map(documentedErrors.map((error) => [String(error.code), error]))

const messageSidForm = /^(SM|MM)[0-9a-f]{32}$/i
const errorCodeForm = /^\d{1,6}$/

/** @param tokens auth tokens of the account; any of them may have signed. */
export function createTwilioStatusWebhook(tokens: readonly string[], hashAddress: HashAddress): Webhook {
  function read(request: WebhookRequest, nowMs: number): WebhookReading {
    const form = readSignedForm(request, tokens)
    if (form.kind === 'refused') return form
    const { parameters, query, identity } = form
    const deliveryId = query.get(deliveryParameter)
    if (deliveryId === null || !isUuid(deliveryId)) return nothing(identity, nowMs + reportAgeLimitMs, { ignored: 1 })
    const repeatableUntilMs = createdAtMsOf(deliveryId) + reportAgeLimitMs
    if (nowMs > repeatableUntilMs) return { kind: 'refused', reason: 'stale' }
    const sid = parameters.get('MessageSid') ?? ''
    if (!messageSidForm.test(sid)) return { kind: 'refused', reason: 'unreadable' }
    const status = parameters.get('MessageStatus') ?? ''
    const kind = Object.hasOwn(documentedStatuses, status) ? documentedStatuses[status] : undefined
    if (kind === undefined) return nothing(identity, repeatableUntilMs, { unknown: 1 })
    if (kind === null) return nothing(identity, repeatableUntilMs, { ignored: 1 })
    const to = parameters.get('To')
    const feedback: ProviderFeedback = {
      feedbackId: `${sid}:${status}`,
      kind,
      deliveryId: deliveryId.toLowerCase(),
      provider: 'twilio',
      providerMessageId: sid,
      channel: 'sms',
      addressHash: to === undefined ? null : hashAddress('sms', to),
      category: null,
      ...failureOf(kind, parameters.get('ErrorCode')),
      linkId: null,
      automatic: false,
      invalidSince: null,
      occurredAt: nowMs,
      receivedAt: nowMs,
    }
    return { kind: 'verified', identity, repeatableUntilMs, feedback: [feedback], ignored: 0, unknown: 0 }
  }

  return { provider: 'twilio', path: '/webhooks/twilio/status', bodyLimitBytes: formLimitBytes, read }
}

function nothing(
  identity: Uint8Array,
  repeatableUntilMs: number,
  counts: { ignored?: number; unknown?: number },
): WebhookReading {
  return { kind: 'verified', identity, repeatableUntilMs, feedback: [], ignored: 0, unknown: 0, ...counts }
}

function failureOf(
  kind: FeedbackKind,
  code: string | undefined,
): Pick<ProviderFeedback, 'permanent' | 'reason' | 'providerCode'> {
  if (kind !== 'bounced' && kind !== 'failed') return { permanent: null, reason: null, providerCode: null }
  const documented = errorByCode.get(code ?? '')
  return {
    permanent: documented?.permanent ?? null,
    reason: documented?.reason ?? 'refused',
    providerCode: code !== undefined && errorCodeForm.test(code) ? code : null,
  }
}
