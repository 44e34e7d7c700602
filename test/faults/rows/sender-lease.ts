/**
 * Senders whose leases end soon, so that what a dead one left behind is decided within a short run: time-outs, and the
 * lease above the longest call that they allow.
 */
import type { RoleSpec } from '../supervisor/supervised-role.ts'

/** Above every latency that a row gives its providers: what is not killed is answered. */
const timeoutMs = 2_500
/** Above the call budget, which is the time-out and two seconds. */
const leaseMs = 5_000

export const shortLease = {
  FANFARE_LEASE_MS: String(leaseMs),
  FANFARE_APNS_TIMEOUT_MS: String(timeoutMs),
  FANFARE_FCM_TIMEOUT_MS: String(timeoutMs),
  FANFARE_TWILIO_TIMEOUT_MS: String(timeoutMs),
  FANFARE_SENDGRID_TIMEOUT_MS: String(timeoutMs),
}

/** The same roles, the senders among them with a short lease. */
export function withShortLeases(roles: readonly RoleSpec[]): RoleSpec[] {
  return roles.map((role) =>
    role.command[0] === 'sender' ? { ...role, environment: { ...role.environment, ...shortLease } } : role,
  )
}

/** For the run's schedule: an answer that takes longer was not heard. */
export const shortAnswerTimeoutMs = timeoutMs
