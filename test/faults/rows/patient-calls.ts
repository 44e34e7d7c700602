/**
 * Senders that wait long for their providers, for rows whose providers are not the fault: a machine that stands still for
 * a moment must not look like an answer that was lost.
 */
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { bulkRoles } from './fault-row.ts'

const timeoutMs = 15_000

const environment = {
  FANFARE_APNS_TIMEOUT_MS: String(timeoutMs),
  FANFARE_FCM_TIMEOUT_MS: String(timeoutMs),
  FANFARE_TWILIO_TIMEOUT_MS: String(timeoutMs),
  FANFARE_SENDGRID_TIMEOUT_MS: String(timeoutMs),
}

export const patientRoles: readonly RoleSpec[] = bulkRoles.map((role) =>
  role.command[0] === 'sender' ? { ...role, environment } : role,
)

/** For the run's schedule: an answer that takes longer was not heard. */
export const patientAnswerTimeoutMs = timeoutMs
