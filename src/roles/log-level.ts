/**
 * The level of a process's log: as configured, and `debug` from one SIGUSR2 to the next.
 *
 * A signal and not the admin port, which asks nobody who they are, nor a row of the database, which may be what is away
 * when somebody wants to see more. Whoever may signal a process may also end it.
 */
import type { LogLevel } from '../telemetry/log.ts'

export interface ChangeableLevel {
  now(): LogLevel
  /** Listens no more. */
  stop(): void
}

const moreDetail: LogLevel = 'debug'

/** @param changed told after each change. */
export function followLevelSignal(configured: LogLevel, changed: (level: LogLevel) => void): ChangeableLevel {
  let level = configured

  function change(): void {
    level = level === configured ? moreDetail : configured
    changed(level)
  }

  process.on('SIGUSR2', change)
  return { now: () => level, stop: () => process.off('SIGUSR2', change) }
}
