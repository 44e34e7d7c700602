/**
 * SendGrid's Event Webhook: batches of events about mails, signed by ECDSA on P-256 over the timestamp header and the raw
 * body (twilio.com/docs/sendgrid/for-developers/tracking-events/event and …/getting-started-event-webhook-security-features).
 *
 * The delivery is the mail's custom argument `deliveryId`; an event without one is of a mail that Fanfare did not send.
 * An event's own time is in whole seconds. Nothing of what SendGrid quotes (responses, links, user agents) goes on.
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { isUuid } from '../../domain/identity.ts'
import type { FeedbackKind, ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { ProviderReason } from '../../domain/reason.ts'
import type { HashAddress, Webhook, WebhookReading, WebhookRequest } from '../../domain/webhook.ts'

/** SendGrid posts when its batch reaches 768 KB or 30 seconds have passed. */
const batchLimitBytes = 1024 * 1024
/** How far the signed timestamp may be from our clock. */
export const timestampWindowMs = 10 * 60_000

const signatureHeader = 'x-twilio-email-event-webhook-signature'
const timestampHeader = 'x-twilio-email-event-webhook-timestamp'
const timestampForm = /^\d{10}$/

/** Every documented event but those that `readEvent` looks into. Null: nothing that a delivery comes to. */
export const documentedEvents: Readonly<Record<string, FeedbackKind | null>> = {
  processed: null,
  // SendGrid tries again, for 72 hours; then it is a bounce of the type blocked.
  deferred: null,
  delivered: 'delivered',
  bounce: 'bounced',
  dropped: 'failed',
  open: 'opened',
  click: 'clicked',
  spamreport: 'complained',
  unsubscribe: 'unsubscribed',
  // Fanfare puts no mail into a group. Whoever leaves one that somebody else made leaves email.
  group_unsubscribe: 'unsubscribed',
  // Coming back is the person's to say, on their preference page.
  group_resubscribe: null,
  account_status_change: null,
}

export interface BounceCause {
  reason: ProviderReason
  /** Whether it is about the address, and not about us or what we wrote. */
  ofAddress: boolean
}

/** `bounce_classification`, where the account has it turned on; in both spellings that are documented. */
export const bounceClassifications: Readonly<Record<string, BounceCause>> = {
  'Invalid Address': { reason: 'invalid_address', ofAddress: true },
  'Mailbox Unavailable': { reason: 'recipient_unreachable', ofAddress: true },
  Technical: { reason: 'recipient_unreachable', ofAddress: true },
  'Technical Failure': { reason: 'recipient_unreachable', ofAddress: true },
  Content: { reason: 'content_refused', ofAddress: false },
  Reputation: { reason: 'refused', ofAddress: false },
  'Frequency/Volume': { reason: 'throttled', ofAddress: false },
  'Frequency or Volume Too High': { reason: 'throttled', ofAddress: false },
}

export interface Failure {
  reason: ProviderReason
  /** What it says of the address: dead for good, not reachable now, or nothing. */
  permanent: boolean | null
}

/** The documented words of `reason` of a dropped mail: a closed list, not a text. */
export const dropReasons: Readonly<Record<string, Failure>> = {
  'Bounced Address': { reason: 'invalid_address', permanent: true },
  Invalid: { reason: 'invalid_address', permanent: true },
  'Unsubscribed Address': { reason: 'recipient_opted_out', permanent: true },
  'Spam Reporting Address': { reason: 'recipient_opted_out', permanent: true },
  'Spam Content': { reason: 'content_refused', permanent: null },
  'Invalid SMTPAPI header': { reason: 'account_misconfigured', permanent: null },
  'Recipient List over Package Quota': { reason: 'account_misconfigured', permanent: null },
}

const eventSchema = z.object({
  event: z.string(),
  email: z.string().optional(),
  /** Unix seconds. */
  timestamp: z.number().min(0).max(253_402_214_400),
  sg_event_id: z.string().min(1).max(200).optional(),
  sg_message_id: z.string().max(500).optional(),
  /** Of a bounce: `bounce` or `blocked`. */
  type: z.string().optional(),
  bounce_classification: z.string().optional(),
  reason: z.string().optional(),
  /** Enhanced SMTP status code. */
  status: z.string().optional(),
  sg_machine_open: z.boolean().optional(),
  deliveryId: z.string().optional(),
})
type SendgridEvent = z.infer<typeof eventSchema>

/** @param publicKeys verification keys as SendGrid shows them: base64 of DER. Any of them may have signed. */
export function createSendgridWebhook(publicKeys: readonly string[], hashAddress: HashAddress): Webhook {
  const keys = publicKeys.map((key) =>
    createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }),
  )

  function read(request: WebhookRequest, nowMs: number): WebhookReading {
    const signature = request.headers[signatureHeader]
    const timestamp = request.headers[timestampHeader]
    if (signature === undefined || timestamp === undefined) return { kind: 'refused', reason: 'unsigned' }
    const identity = Buffer.concat([Buffer.from(timestamp), request.body])
    if (!keys.some((key) => isSignedBy(key, identity, signature))) return { kind: 'refused', reason: 'forged' }
    if (!timestampForm.test(timestamp)) return { kind: 'refused', reason: 'unreadable' }
    const signedAtMs = Number(timestamp) * 1_000
    if (Math.abs(nowMs - signedAtMs) > timestampWindowMs) return { kind: 'refused', reason: 'stale' }
    const events = z.array(z.unknown()).safeParse(jsonOf(request.body)).data
    if (events === undefined) return { kind: 'refused', reason: 'unreadable' }
    const known = events.flatMap(knownEventOf)
    const feedback = known.flatMap((event) => feedbackOf(event, { nowMs, hashAddress }))
    return {
      kind: 'verified',
      identity,
      repeatableUntilMs: signedAtMs + timestampWindowMs,
      feedback,
      ignored: known.length - feedback.length,
      unknown: events.length - known.length,
    }
  }

  return { provider: 'sendgrid', path: '/webhooks/sendgrid/events', bodyLimitBytes: batchLimitBytes, read }
}

/** A signature that is none is not the key's, whatever node:crypto says about it. */
function isSignedBy(key: KeyObject, signed: Uint8Array, signature: string): boolean {
  try {
    return verify('sha256', signed, key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** One that is new, or not in its documented form, must not cost its neighbours. */
function knownEventOf(event: unknown): SendgridEvent[] {
  const read = eventSchema.safeParse(event).data
  return read !== undefined && Object.hasOwn(documentedEvents, read.event) ? [read] : []
}

function feedbackOf(
  event: SendgridEvent,
  { nowMs, hashAddress }: { nowMs: number; hashAddress: HashAddress },
): ProviderFeedback[] {
  const kind = documentedEvents[event.event] ?? null
  const { deliveryId, email } = event
  if (kind === null || deliveryId === undefined || !isUuid(deliveryId)) return []
  return [
    {
      feedbackId: event.sg_event_id ?? eventIdOf(event),
      kind,
      deliveryId: deliveryId.toLowerCase(),
      provider: 'sendgrid',
      providerMessageId: messageIdOf(event),
      channel: 'email',
      addressHash: email === undefined ? null : hashAddress('email', email),
      category: null,
      ...failureOf(event),
      linkId: null,
      automatic: event.event === 'open' && event.sg_machine_open === true,
      invalidSince: null,
      // Their clock may be ahead of ours, and what happened later than now sorts before what happens now.
      occurredAt: Math.min(Math.floor(event.timestamp) * 1_000, nowMs),
      receivedAt: nowMs,
    },
  ]
}

/** Early events of some failures have no id: then what they say is it. */
function eventIdOf(event: SendgridEvent): string {
  return createHash('sha256').update(JSON.stringify(event)).digest('base64url')
}

/** `<X-Message-Id of the answer>.<where it was processed>`. */
function messageIdOf({ sg_message_id: id }: SendgridEvent): string | null {
  return id?.split('.')[0] ?? null
}

const enhancedStatusForm = /^\d\.\d{1,3}\.\d{1,3}$/

function failureOf(event: SendgridEvent): Pick<ProviderFeedback, 'permanent' | 'reason' | 'providerCode'> {
  const providerCode = enhancedStatusForm.test(event.status ?? '') ? (event.status ?? null) : null
  if (event.event === 'dropped') return { ...dropOf(event), providerCode }
  if (event.event === 'bounce') return { ...bounceOf(event), providerCode }
  return { permanent: null, reason: null, providerCode: null }
}

function dropOf({ reason = '' }: SendgridEvent): Failure {
  const documented = Object.hasOwn(dropReasons, reason) ? dropReasons[reason] : undefined
  return documented ?? { reason: 'refused', permanent: null }
}

/** SendGrid drops every further mail to an address that bounced, whatever for, and none to one that was blocked. */
function bounceOf({ type, bounce_classification: classification = '' }: SendgridEvent): Failure {
  const isKnown = Object.hasOwn(bounceClassifications, classification)
  const cause = isKnown ? bounceClassifications[classification] : undefined
  if (type !== 'blocked') return { reason: cause?.reason ?? 'invalid_address', permanent: true }
  return {
    reason: cause?.reason ?? 'recipient_unreachable',
    permanent: cause === undefined || cause.ofAddress ? false : null,
  }
}
