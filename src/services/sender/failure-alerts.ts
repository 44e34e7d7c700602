/**
 * Tells whoever is on call that a failure repeats: at most once for each channel, lane and reason in a window, however
 * many replicas notice it, since all of them ask under the same id.
 *
 * It stands beside the work and never in its way: nobody waits for it, and nothing that goes wrong in it is thrown. What
 * could not be published is told and counted, and the next repetition within the window tries again.
 */
import type { Digest } from '../../domain/identity.ts'
import type { NotificationRequested } from '../../domain/notification.ts'
import { alertEvent, alertWindowMs, type FailureAlert } from './failure-alert.ts'
import { windowStart } from './failure-watch.ts'

export interface FailureAlerts {
  /** Returns at once and never throws. */
  raise(alert: FailureAlert): void
}

export interface FailureAlertPorts {
  /** Resolves when the broker has it; bounded in time. */
  publish(event: NotificationRequested): Promise<void>
  /** Unix ms. */
  now(): number
  sha1: Digest
  observe(outcome: 'published' | 'failed', alert: FailureAlert): void
}

/** @param onCallUserId null: nobody is told. */
export function createFailureAlerts(onCallUserId: number | null, ports: FailureAlertPorts): FailureAlerts {
  /** The window in which each was raised last. Reasons are of a closed list, so what is kept is bounded. */
  const raisedIn = new Map<string, number>()

  function raise(alert: FailureAlert): void {
    if (onCallUserId === null) return
    const nowMs = ports.now()
    const windowStartMs = windowStart(nowMs, alertWindowMs)
    const name = [alert.channel, alert.lane, alert.reason].join()
    if (raisedIn.get(name) === windowStartMs) return
    raisedIn.set(name, windowStartMs)
    void publish(alertEvent(alert, { onCallUserId, nowMs, windowStartMs }, ports.sha1)).then((outcome) => {
      if (outcome === 'failed') raisedIn.delete(name)
      ports.observe(outcome, alert)
    })
  }

  async function publish(event: NotificationRequested): Promise<'published' | 'failed'> {
    try {
      await ports.publish(event)
      return 'published'
    } catch {
      return 'failed'
    }
  }

  return { raise }
}
