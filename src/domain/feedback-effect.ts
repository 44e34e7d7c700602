/**
 * What a report comes to: a pure function of the report and of the row that it is about.
 *
 * Nothing here asks what was done before. Applied twice, or after another report, it comes to the same actions, and each
 * of them changes nothing the second time.
 */
import { requestChannelOf, type RequestChannel } from './channel.ts'
import type { DeliveryReport, ReportedState } from './delivery-report.ts'
import { deliveryStates } from './delivery-state.ts'
import type { DeliveryStatus, Status } from './delivery-status.ts'
import type { Digest } from './identity.ts'
import type { FeedbackKind, ProviderFeedback } from './provider-feedback.ts'
import { deliveryStatus, orphanStatus, reportedStatus } from './status-record.ts'
import type { StoredDelivery } from './stored-delivery.ts'
import { everyCategory, type Suppression, type SuppressionCause } from './suppression.ts'

/** A row with what only a report needs of it: whom it went to. Never logged. */
export interface ReportedDelivery extends StoredDelivery {
  address: string
}

export type FeedbackAction =
  | { kind: 'status'; status: DeliveryStatus }
  | { kind: 'report'; report: DeliveryReport; createdAt: number }
  | { kind: 'suppress'; suppression: Suppression }
  /** START: takes back a `stop` that is not younger. */
  | { kind: 'lift'; channel: RequestChannel; addressHash: Uint8Array; untilMs: number }
  | { kind: 'soft_bounce'; channel: RequestChannel; addressHash: Uint8Array; feedbackId: string; occurredAtMs: number }
  /** The token, unless it was registered since. `userId`: whose device it was when the message went out. */
  | { kind: 'invalidate_device'; userId: number; token: string; sinceMs: number }
  /** Null: every category that can be left. */
  | { kind: 'opt_out'; userId: number; channel: RequestChannel; category: string | null }

export interface FeedbackContext {
  sha1: Digest
  hashAddress(channel: RequestChannel, address: string): Uint8Array
}

/**
 * @param delivery the row that it names; undefined where it names none, or none that there is (any more).
 * @returns nothing for a report that can have no effect.
 */
export function effectOf(
  feedback: ProviderFeedback,
  delivery: ReportedDelivery | undefined,
  context: FeedbackContext,
): FeedbackAction[] {
  return [
    ...statusesOf(feedback, delivery, context).map((status) => ({ kind: 'status', status }) as const),
    ...reportOf(feedback, delivery),
    ...consequencesOf(feedback, delivery, context),
  ]
}

/** What each kind is called on the status topic; `failed` is the provider's after it had accepted. */
const statusOfKind: Record<FeedbackKind, Status | null> = {
  delivered: 'delivered',
  bounced: 'bounced',
  failed: 'failed',
  opened: 'opened',
  clicked: 'clicked',
  unsubscribed: 'unsubscribed',
  complained: 'unsubscribed',
  // About an address and not about a delivery.
  stopped: null,
  restarted: null,
  // The sender has told its own `failed`.
  invalid_address: null,
}

function statusesOf(
  feedback: ProviderFeedback,
  delivery: ReportedDelivery | undefined,
  { sha1 }: FeedbackContext,
): DeliveryStatus[] {
  const { kind, deliveryId, channel, provider, linkId, automatic, occurredAt } = feedback
  const status = statusOfKind[kind]
  if (status === null || deliveryId === null) return []
  const step = { status, eventId: feedback.feedbackId, linkId, automatic, occurredAt }
  if (delivery === undefined) {
    return [orphanStatus({ deliveryId, channel }, { ...step, reason: 'orphan', attempt: 0, provider }, sha1)]
  }
  const by = { attempt: attemptsOf(delivery), provider: provider ?? delivery.provider }
  const told = reportedStatus(delivery, { ...step, ...by, reason: reasonOf(feedback) }, sha1)
  return isAccepted(delivery) ? [told] : [acceptanceOf(delivery, { ...by, occurredAt }, sha1), told]
}

/**
 * Nobody has told that the provider accepted, and the report proves it. The sender would say so under the same id; but
 * of a row that was held, swept or had failed there is no sender any more.
 */
function acceptanceOf(
  delivery: ReportedDelivery,
  { attempt, provider, occurredAt }: { attempt: number; provider: string | null; occurredAt: number },
  sha1: Digest,
): DeliveryStatus {
  const { hop } = delivery
  const step = { status: 'sent', reason: null, hop, attempt, provider, segments: null, occurredAt } as const
  return deliveryStatus(delivery, step, sha1)
}

function reasonOf({ kind, reason }: ProviderFeedback) {
  if (kind === 'complained') return 'recipient_opted_out' as const
  return kind === 'bounced' || kind === 'failed' ? reason : null
}

function isAccepted({ state }: ReportedDelivery): boolean {
  return deliveryStates.indexOf(state) >= deliveryStates.indexOf('sent')
}

/** The attempt that is being made counts: the report ends it. */
function attemptsOf({ state, attempt }: ReportedDelivery): number {
  return state === 'claimed' ? attempt + 1 : attempt
}

/** What was reported of a message that the provider had accepted and then not delivered: `bounced`, whoever gave it up. */
const stateOfKind: Partial<Record<FeedbackKind, ReportedState>> = {
  delivered: 'delivered',
  bounced: 'bounced',
  failed: 'bounced',
  opened: 'opened',
  clicked: 'clicked',
  unsubscribed: 'unsubscribed',
  complained: 'unsubscribed',
}

function reportOf(feedback: ProviderFeedback, delivery: ReportedDelivery | undefined): FeedbackAction[] {
  const reported = stateOfKind[feedback.kind]
  if (delivery === undefined || reported === undefined) return []
  const { automatic, occurredAt, provider, providerMessageId } = feedback
  // A machine's open says that the message arrived somewhere, not that anybody saw it.
  const state = automatic ? 'sent' : reported
  const at = (wanted: ReportedState) => (state === wanted ? occurredAt : null)
  const report: DeliveryReport = {
    deliveryId: delivery.deliveryId,
    state,
    deliveredAt: at('delivered'),
    bouncedAt: at('bounced'),
    bounceReason: state === 'bounced' ? feedback.reason : null,
    openedAt: at('opened'),
    clickedAt: at('clicked'),
    unsubscribedAt: at('unsubscribed'),
    provider,
    providerMessageId,
  }
  return [{ kind: 'report', report, createdAt: delivery.createdAt }]
}

function consequencesOf(
  feedback: ProviderFeedback,
  delivery: ReportedDelivery | undefined,
  context: FeedbackContext,
): FeedbackAction[] {
  const channel = delivery?.channel ?? feedback.channel
  if (channel === null) return []
  const requestChannel = requestChannelOf(channel)
  const addressHash =
    delivery === undefined ? feedback.addressHash : context.hashAddress(requestChannel, delivery.address)
  if (feedback.kind === 'unsubscribed') return optOutOf(feedback, delivery, { requestChannel, addressHash })
  if (feedback.kind === 'invalid_address' && requestChannel === 'push') return deadDeviceOf(feedback, delivery)
  if (addressHash === null) return []
  const about = { channel: requestChannel, addressHash }
  if (feedback.kind === 'restarted') return [{ kind: 'lift', ...about, untilMs: feedback.occurredAt }]
  const cause = causeOf(feedback, requestChannel)
  if (cause !== undefined) {
    return [{ kind: 'suppress', suppression: { ...about, scope: everyCategory, cause, sinceMs: feedback.occurredAt } }]
  }
  const isSoft = (feedback.kind === 'bounced' || feedback.kind === 'failed') && feedback.permanent === false
  const { feedbackId, occurredAt } = feedback
  return isSoft ? [{ kind: 'soft_bounce', ...about, feedbackId, occurredAtMs: occurredAt }] : []
}

function causeOf({ kind, permanent, reason }: ProviderFeedback, channel: RequestChannel): SuppressionCause | undefined {
  switch (kind) {
    case 'complained':
      return 'complaint'
    case 'stopped':
      return 'stop'
    case 'invalid_address':
      return 'invalid_address'
    case 'bounced':
    case 'failed': {
      if (permanent !== true) return undefined
      if (reason !== 'recipient_opted_out') return 'hard_bounce'
      return channel === 'sms' ? 'stop' : 'unsubscribed'
    }
    case 'delivered':
    case 'opened':
    case 'clicked':
    case 'unsubscribed':
    case 'restarted':
      return undefined
  }
}

interface Addressee {
  requestChannel: RequestChannel
  addressHash: Uint8Array | null
}

/**
 * The edge has written the person's own choice before it answered, so its reports change nothing more. A provider's
 * becomes the person's setting, which they see on their preference page and can take back there; where nobody knows whose
 * it is, the address's suppression.
 */
function optOutOf(
  { provider, category, occurredAt }: ProviderFeedback,
  delivery: ReportedDelivery | undefined,
  { requestChannel: channel, addressHash }: Addressee,
): FeedbackAction[] {
  if (provider === null) return []
  if (delivery !== undefined) return [{ kind: 'opt_out', userId: delivery.userId, channel, category }]
  if (addressHash === null) return []
  const scope = category ?? everyCategory
  const suppression: Suppression = { channel, addressHash, scope, cause: 'unsubscribed', sinceMs: occurredAt }
  return [{ kind: 'suppress', suppression }]
}

function deadDeviceOf(
  { invalidSince, occurredAt }: ProviderFeedback,
  delivery: ReportedDelivery | undefined,
): FeedbackAction[] {
  if (delivery === undefined) return []
  const { userId, address: token } = delivery
  // A clock of theirs that is ahead must not invalidate a registration that has yet to come.
  const sinceMs = Math.min(invalidSince ?? occurredAt, occurredAt)
  return [{ kind: 'invalidate_device', userId, token, sinceMs }]
}
