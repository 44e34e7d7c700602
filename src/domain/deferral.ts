/**
 * When a notification is over, and when one that waits is looked at again.
 */
import type { Category } from './category.ts'
import type { NotificationRequested } from './notification.ts'

/** The category's time-to-live from when it was meant to be sent, or earlier if the event says so. */
export function expiryOf(event: NotificationRequested, category: Category): number {
  const meantAt = Math.max(event.createdAt, event.sendAt ?? event.createdAt)
  const latest = meantAt + category.timeToLiveSeconds * 1_000
  return event.expiresAt === null ? latest : Math.min(latest, event.expiresAt)
}

/** After its event somebody unknown is asked for so often: the sign-up may still be on its way. */
const pendingUserMs = [10_000, 120_000]

/** @returns when to look for the person again; undefined where the event is too old for a sign-up still to come. */
export function pendingUser(createdAt: number, nowMs: number): number | undefined {
  return pendingUserMs.map((waitMs) => createdAt + waitMs).find((untilMs) => untilMs > nowMs)
}

/**
 * The moment that a pass is decided at: a resumption comes at its time by Postgres's clock, and this process's may be
 * behind. Only so far: a record that comes much too early was not published by the scheduler, and waits again.
 * @param deferredUntilMs of the pass before; null for the first.
 */
export function decisionMoment(clockMs: number, deferredUntilMs: number | null): number {
  if (deferredUntilMs === null || deferredUntilMs - clockMs > clockSkewMs) return clockMs
  return Math.max(clockMs, deferredUntilMs)
}

/** More than the clocks of a cluster should ever differ. */
const clockSkewMs = 600_000
