/**
 * Moments as a person writes them: `2h` for two hours ago, or a time of day and date.
 */
import { InvalidArgumentError } from 'commander'
import { durationArgument } from './event-arguments.ts'

/** `90s`, `2h`, `3d` ago, or ISO 8601 (`2026-11-22`, `2026-11-22T10:00Z`) → Unix ms. */
export function momentArgument(given: string): number {
  if (/^\d{1,6}[smhd]$/.test(given)) return Date.now() - durationArgument(given)
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(given)
  const unixMs = isIso ? Date.parse(given) : Number.NaN
  if (!Number.isNaN(unixMs)) return unixMs
  throw new InvalidArgumentError('It must be so long ago (90s, 10m, 2h, 1d) or a UTC time (2026-11-22T10:00Z).')
}
