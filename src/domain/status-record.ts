/**
 * Builds status records: one place that knows which parts make a status id.
 */
import type { Channel, Lane, RequestChannel } from './channel.ts'
import type { DeliveryStatus, OriginalRecord, Status } from './delivery-status.ts'
import { createdAtMsOf, statusIdOf, type Digest } from './identity.ts'
import type { StatusReason } from './reason.ts'

/** What all statuses of one notification share. */
export interface StatusSubject {
  notificationId: string
  source: string
  userId: number
  category: string
  lane: Lane
  createdAt: number
}

export interface NotificationStep {
  status: Status
  reason: StatusReason | null
  detail: string | null
  /** Of a duplicate: the record that was decided. */
  original: OriginalRecord | null
  /** The channel that the step is about, or null for the whole notification. */
  channel: RequestChannel | null
  pass: number
  templateId: string | null
  templateVersion: number | null
  plannedDeliveries: number | null
  occurredAt: number
}

/** A decision about a notification, or about one of its channels before it became deliveries. */
export function notificationStatus(subject: StatusSubject, step: NotificationStep, sha1: Digest): DeliveryStatus {
  return {
    ...subjectFields(subject),
    statusId: statusIdOf(
      {
        source: subject.source,
        notificationId: subject.notificationId,
        deliveryIdOrChannel: step.channel ?? '',
        pass: step.pass,
        hop: 0,
        status: step.status,
        reason: step.reason,
      },
      sha1,
    ),
    deliveryId: null,
    channel: step.channel,
    status: step.status,
    reason: step.reason,
    detail: step.detail,
    original: step.original,
    templateId: step.templateId,
    templateVersion: step.templateVersion,
    locale: null,
    provider: null,
    attempt: 0,
    segments: null,
    linkId: null,
    automatic: false,
    plannedDeliveries: step.plannedDeliveries,
    occurredAt: step.occurredAt,
  }
}

/** What a status says about its delivery: a command with its lane has it, and so has a row. */
export interface DeliverySubject extends StatusSubject {
  deliveryId: string
  channel: Channel
  templateId: string
  templateVersion: number
  locale: string
}

export interface DeliveryStep {
  status: Status
  reason: StatusReason | null
  hop: number
  attempt: number
  provider: string | null
  segments: number | null
  occurredAt: number
}

/** A step of one delivery. */
export function deliveryStatus(subject: DeliverySubject, step: DeliveryStep, sha1: Digest): DeliveryStatus {
  return {
    ...subjectFields(subject),
    statusId: statusIdOf(
      {
        source: subject.source,
        notificationId: subject.notificationId,
        deliveryIdOrChannel: subject.deliveryId,
        pass: 0,
        hop: step.hop,
        status: step.status,
        reason: step.reason,
      },
      sha1,
    ),
    deliveryId: subject.deliveryId,
    channel: subject.channel,
    status: step.status,
    reason: step.reason,
    detail: null,
    original: null,
    templateId: subject.templateId,
    templateVersion: subject.templateVersion,
    locale: subject.locale,
    provider: step.provider,
    attempt: step.attempt,
    segments: step.segments,
    linkId: null,
    automatic: false,
    plannedDeliveries: null,
    occurredAt: step.occurredAt,
  }
}

export interface ReportedStep {
  status: Status
  reason: StatusReason | null
  /** The provider's id of what it reported: it makes the status id, so that a report that comes twice is one status. */
  eventId: string
  attempt: number
  provider: string | null
  linkId: string | null
  automatic: boolean
  occurredAt: number
}

/**
 * A step of one delivery that was reported after the hand-over. Its id has nothing of the row: the same report about a
 * row that has moved on meanwhile is the same status.
 */
export function reportedStatus(subject: DeliverySubject, step: ReportedStep, sha1: Digest): DeliveryStatus {
  const { status, reason, attempt, provider, occurredAt } = step
  return {
    ...deliveryStatus(subject, { status, reason, hop: 0, attempt, provider, segments: null, occurredAt }, sha1),
    statusId: reportedStatusIdOf(subject, step, sha1),
    linkId: step.linkId,
    automatic: step.automatic,
  }
}

/** A report about a delivery that nobody knows (any more): all but the delivery's id is unknown, and left empty. */
export function orphanStatus(
  { deliveryId, channel }: { deliveryId: string; channel: Channel | null },
  step: ReportedStep,
  sha1: Digest,
): DeliveryStatus {
  const unknown = { notificationId: '', source: '', userId: 0, category: '', lane: 'bulk' } as const
  return {
    ...unknown,
    statusId: reportedStatusIdOf({ ...unknown, deliveryId }, step, sha1),
    createdAt: createdAtMsOf(deliveryId),
    deliveryId,
    channel,
    status: step.status,
    reason: step.reason,
    detail: null,
    original: null,
    templateId: null,
    templateVersion: null,
    locale: null,
    provider: step.provider,
    attempt: 0,
    segments: null,
    linkId: step.linkId,
    automatic: step.automatic,
    plannedDeliveries: null,
    occurredAt: step.occurredAt,
  }
}

function reportedStatusIdOf(
  { source, notificationId, deliveryId }: Pick<DeliverySubject, 'source' | 'notificationId' | 'deliveryId'>,
  { status, reason, eventId }: ReportedStep,
  sha1: Digest,
): string {
  const identity = { source, notificationId, deliveryIdOrChannel: deliveryId, pass: 0, hop: 0, status, reason }
  return statusIdOf({ ...identity, providerEventId: eventId }, sha1)
}

function subjectFields({ notificationId, source, userId, category, lane, createdAt }: StatusSubject): StatusSubject {
  return { notificationId, source, userId, category, lane, createdAt }
}
