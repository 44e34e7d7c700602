/**
 * Roles that are wired by the harness (see ../wiring/main.ts): they die at a certain point, or are wrong about the time.
 */
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import type { CrashPoint } from '../wiring/crash.ts'

export interface Wiring {
  /** The points at which its launches die, one after the other; later ones live. */
  crashesAt?: readonly CrashPoint[]
  /** Unix ms, by the true clock; nobody dies before it. */
  crashesNotBeforeMs?: number
  /** By how much its clock is ahead. */
  clockOffsetMs?: number
}

export function wired(spec: RoleSpec, wiring: Wiring): RoleSpec {
  const { crashesAt = [], crashesNotBeforeMs = 0, clockOffsetMs = 0 } = wiring
  return {
    ...spec,
    program: 'test/faults/wiring/main.ts',
    crashesAt,
    environment: {
      ...spec.environment,
      FAULTS_CRASH_NOT_BEFORE_MS: String(crashesNotBeforeMs),
      FAULTS_CLOCK_OFFSET_MS: String(clockOffsetMs),
    },
  }
}
