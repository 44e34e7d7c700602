/**
 * The notification that Fanfare itself asks for when a failure repeats: an event like any other, for the user who is on
 * call, over all channels of the alert's category. The failing one is among them: the others carry it.
 */
import { alertIdOf, type Digest } from '../../domain/identity.ts'
import type { Channel, Lane } from '../../domain/channel.ts'
import type { NotificationRequested } from '../../domain/notification.ts'

/** An operator provides it, with its templates; see docs/operations.md. */
export const alertCategory = 'fanfare-alert'
const alertSource = 'fanfare'

/** One alert for each channel, lane and reason in this time. It divides a day, so a window is of one day. */
export const alertWindowMs = 30 * 60_000

export interface FailureAlert {
  channel: Channel
  lane: Lane
  provider: string
  reason: string
  failures: number
  /** Within which they were counted. */
  windowMs: number
}

export interface AlertMoment {
  onCallUserId: number
  /** Unix ms. */
  nowMs: number
  windowStartMs: number
}

/** Nothing of any recipient, address or message is in it. */
export function alertEvent(
  { channel, lane, provider, reason, failures, windowMs }: FailureAlert,
  { onCallUserId, nowMs, windowStartMs }: AlertMoment,
  sha1: Digest,
): NotificationRequested {
  return {
    notificationId: alertIdOf({ channel, lane, reason, windowStartMs }, sha1),
    source: alertSource,
    userId: onCallUserId,
    category: alertCategory,
    template: null,
    locale: null,
    data: { channel, provider, reason, count: failures, windowMinutes: windowMs / 60_000 },
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt: nowMs,
  }
}
