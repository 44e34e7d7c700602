/**
 * What the doctor finds: one line for each thing that it looked at, and for what is not right the way to mend it.
 */
import type { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'

export const checks = [
  'kafka',
  'topics',
  'registry',
  'schemas',
  'postgres',
  'migrations',
  'partitions',
  'permissions',
  'redis',
  'retention',
  'clocks',
  'providers',
] as const
export type Check = (typeof checks)[number]

export type Finding =
  | { check: Check; level: 'ok'; what: string; fix: null }
  /** `warning`: it works, but somebody should know. `fault`: it does not, or will not for long. */
  | { check: Check; level: 'warning' | 'fault'; what: string; fix: string }

export function ok(check: Check, what: string): Finding {
  return { check, level: 'ok', what, fix: null }
}

export function warning(check: Check, what: string, fix: string): Finding {
  return { check, level: 'warning', what, fix }
}

export function fault(check: Check, what: string, fix: string): Finding {
  return { check, level: 'fault', what, fix }
}

/** A dependency that cannot be asked, with the variable that says where it is. */
export function unreachable(check: Check, { code }: DependencyUnavailable, variable: string): Finding {
  if (code.endsWith('AUTHORIZATION_FAILED')) {
    return fault('permissions', `Kafka refuses: ${code}`, 'grant this user what docs/operations.md lists')
  }
  return fault(check, `cannot be reached: ${code}`, `is it up, does ${variable} lead to it, may this machine connect?`)
}

/** For a terminal: what is right in one line, what is not with its mending below. */
export function findingText({ check, level, what, fix }: Finding): string {
  const line = `${level.padEnd(8)} ${check.padEnd(12)} ${what}`
  return fix === null ? `${line}\n` : `${line}\n${' '.repeat(22)}→ ${fix}\n`
}
