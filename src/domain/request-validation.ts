/**
 * What a decoded request must satisfy before anything is looked up for it.
 *
 * A request whose identity or time cannot be logged (its day has no partition, its id is no UUID) is refused with a
 * status only: the status id is deterministic, so a redelivery is absorbed without a row.
 */
import { requestChannels, isRequestChannel, type RequestChannel } from './channel.ts'
import { isUuid } from './identity.ts'
import { isLocale } from './locale.ts'
import type { NotificationRequested } from './notification.ts'
import type { RequestReason } from './reason.ts'

/** Producers retry for at most so long; partitions of the log reach back further. */
export const oldestRequestMs = 7 * 24 * 3_600_000
/**
 * How long rows of events are kept: longer than horizon (21 d), time to live (6 d) and the dead letters' retention (14 d)
 * together, so that a rewind never sends again.
 */
export const eventRetentionDays = 45
/** How far a producer's clock may run ahead. */
export const futureToleranceMs = 3_600_000
export const sendAtHorizonMs = 21 * 24 * 3_600_000
/** Of the record's value; the requested topics accept a little more, for headers and framing. */
export const requestBytes = 256 * 1024

/** What a source, a category, a template id or a collapse key may be: they become keys, labels and columns. */
export const requestNameForm = /^[\p{L}\p{N}][\p{L}\p{N} ._:/@-]{0,127}$/u

export interface Refusal {
  reason: RequestReason
  /** The field of the request that makes no sense, where the reason does not say it. */
  detail: string | null
}

export type RequestVerdict =
  | { kind: 'valid'; channels: readonly RequestChannel[] | null }
  /** `loggable`: whether a row of the notification log may be written for it. */
  | ({ kind: 'refused'; loggable: boolean } & Refusal)

/** Whether a row may be there although the event is too old for a new one: it was consumed in time and comes again. */
export function mayBeOnRecord({ createdAt }: Pick<NotificationRequested, 'createdAt'>, nowMs: number): boolean {
  return createdAt > nowMs - eventRetentionDays * 24 * 3_600_000
}

/** @param valueBytes the size of the record's value. */
export function validateRequest(event: NotificationRequested, valueBytes: number, nowMs: number): RequestVerdict {
  const unloggable = unloggableReason(event, nowMs)
  if (unloggable !== undefined) return { kind: 'refused', ...unloggable, loggable: false }
  const refusal = refusalOf(event, valueBytes)
  if (refusal !== undefined) return { kind: 'refused', ...refusal, loggable: true }
  const channels = event.channels === null || event.channels.length === 0 ? null : event.channels
  if (channels === null) return { kind: 'valid', channels }
  if (!channels.every(isRequestChannel)) return { kind: 'refused', ...invalid('channels'), loggable: true }
  return { kind: 'valid', channels: requestChannels.filter((channel) => channels.includes(channel)) }
}

function unloggableReason(event: NotificationRequested, nowMs: number): Refusal | undefined {
  if (!isUuid(event.notificationId)) return invalid('notificationId')
  if (!requestNameForm.test(event.source)) return invalid('source')
  if (!requestNameForm.test(event.category)) return because('unknown_category')
  if (!(event.createdAt <= nowMs + futureToleranceMs)) return because('in_future')
  if (!(event.createdAt >= nowMs - oldestRequestMs)) return because('too_old')
  return undefined
}

function refusalOf(event: NotificationRequested, valueBytes: number): Refusal | undefined {
  const { userId, createdAt, sendAt, expiresAt, template, locale, collapseKey } = event
  if (valueBytes > requestBytes) return because('too_large')
  if (!Number.isSafeInteger(userId) || userId <= 0) return because('invalid_user_id')
  if (template !== null && !requestNameForm.test(template)) return because('unknown_template')
  if (locale !== null && !isLocale(locale)) return invalid('locale')
  if (collapseKey !== null && !requestNameForm.test(collapseKey)) return invalid('collapseKey')
  if (expiresAt !== null && expiresAt < createdAt) return because('expires_before_created')
  if (sendAt !== null && sendAt > createdAt + sendAtHorizonMs) return because('beyond_horizon')
  if (sendAt !== null && expiresAt !== null && expiresAt <= sendAt) return because('expires_before_send_at')
  return undefined
}

function because(reason: RequestReason): Refusal {
  return { reason, detail: null }
}

function invalid(field: keyof NotificationRequested): Refusal {
  return { reason: 'invalid_request', detail: field }
}
