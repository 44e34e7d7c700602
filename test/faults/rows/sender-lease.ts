/**
 * Senders whose leases end soon, so that what a dead one left behind is decided within a short run: time-outs, and the
 * lease above the longest call that they allow.
 */
import type { RoleSpec } from '../supervisor/supervised-role.ts'

/** Above every latency that a row gives its providers: what is not killed is answered. */
const timeoutMs = 2_500
/** Above the call budget, which is the time-out and two seconds. */
const leaseAboveTimeoutMs = 2_500

export const shortLease = leaseFor(timeoutMs)

function leaseFor(answerTimeoutMs: number): Record<string, string> {
  return {
    FANFARE_LEASE_MS: String(answerTimeoutMs + leaseAboveTimeoutMs),
    FANFARE_APNS_TIMEOUT_MS: String(answerTimeoutMs),
    FANFARE_FCM_TIMEOUT_MS: String(answerTimeoutMs),
    FANFARE_TWILIO_TIMEOUT_MS: String(answerTimeoutMs),
    FANFARE_SENDGRID_TIMEOUT_MS: String(answerTimeoutMs),
  }
}

/** The same roles, the senders among them with a lease just above this time-out. */
export function withLeases(roles: readonly RoleSpec[], answerTimeoutMs: number): RoleSpec[] {
  const lease = leaseFor(answerTimeoutMs)
  return roles.map((role) =>
    role.command[0] === 'sender' ? { ...role, environment: { ...role.environment, ...lease } } : role,
  )
}

export function withShortLeases(roles: readonly RoleSpec[]): RoleSpec[] {
  return withLeases(roles, timeoutMs)
}

/** For the run's schedule: an answer that takes longer was not heard. */
export const shortAnswerTimeoutMs = timeoutMs
