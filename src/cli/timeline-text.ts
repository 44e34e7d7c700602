/**
 * A notification's timeline as text for a terminal: what was decided, and where each delivery is. Times are UTC, with
 * the time since the event beside them.
 */
import type { DeliveryProgress } from '../domain/stored-delivery.ts'
import type { NotificationTimeline } from '../postgres/timeline.ts'

/** One paragraph a notification. */
export function timelineText(timelines: readonly NotificationTimeline[]): string {
  return timelines.map((timeline) => linesOf(timeline).join('\n')).join('\n\n')
}

function linesOf(timeline: NotificationTimeline): string[] {
  const { notificationId, source, userId, category, lane, createdAtMs, decidedAtMs, cancelledAtMs } = timeline
  const since = (unixMs: number) => momentText(unixMs, createdAtMs)
  return [
    `notification ${notificationId} from ${source} for user ${userId}`,
    `  category   ${category ?? 'unknown yet'}${lane === null ? '' : `, ${lane} lane`}`,
    ...(createdAtMs === null ? [] : [`  created    ${momentText(createdAtMs, null)}`]),
    `  ${decisionText(timeline).padEnd(10)} ${since(decidedAtMs)}${passText(timeline.pass)}`,
    ...(timeline.deferredUntilMs === null ? [] : [`  until      ${since(timeline.deferredUntilMs)}`]),
    ...(cancelledAtMs === null ? [] : [`  cancelled  ${since(cancelledAtMs)}`]),
    ...timeline.suppressedChannels.map(({ channel, reason }) => `  ${channel}: suppressed, ${reason}`),
    ...timeline.deliveries.flatMap((delivery) => deliveryLines(delivery, createdAtMs)),
  ]
}

function deliveryLines(delivery: DeliveryProgress, createdAtMs: number | null): string[] {
  const { channel, state, reason, updatedAtMs, attempt, provider, providerMessageId, nextDueAtMs } = delivery
  const { templateId, templateVersion, locale, deliveryId } = delivery
  const via = provider === null ? '' : `, ${provider}${providerMessageId === null ? '' : ` as ${providerMessageId}`}`
  return [
    `  ${channel}: ${state}${reasonText(reason)} ${momentText(updatedAtMs, createdAtMs)}`,
    `    attempts ${attempt}${via}`,
    `    ${templateId} version ${templateVersion}, ${locale}; delivery ${deliveryId}`,
    ...(nextDueAtMs === null ? [] : [`    due again ${momentText(nextDueAtMs, createdAtMs)}`]),
  ]
}

function decisionText({ decision, reason, detail }: NotificationTimeline): string {
  return `${decision}${reasonText(detail === null ? reason : `${reason ?? ''} ${detail}`)}`
}

function reasonText(reason: string | null): string {
  return reason === null ? '' : `, ${reason},`
}

/** A pass above 0 is the resumption of what was deferred. */
function passText(pass: number): string {
  return pass === 0 ? '' : ` in pass ${pass}`
}

function momentText(unixMs: number, sinceMs: number | null): string {
  const moment = new Date(unixMs).toISOString()
  return sinceMs === null ? moment : `${moment} (+${((unixMs - sinceMs) / 1_000).toFixed(3)} s)`
}
