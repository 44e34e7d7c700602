/**
 * The days on which it is most worth living: those before a night in which the clocks of some zone change, and some on
 * which nothing happens.
 */
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns']

/** Midnights UTC of next year, every second one before a change: the same all year, so that a seed brings them back. */
export function nightsOfChange(now: number): number[] {
  const first = Date.UTC(new Date(now).getUTCFullYear() + 1, 0, 1)
  const days = Array.from({ length: 365 }, (_, at) => first + at * dayMs)
  const before = days.filter((day) => zones.some((zone) => offsetAt(zone, day) !== offsetAt(zone, day + 2 * dayMs)))
  return [...before, ...days.slice(0, before.length)]
}

function offsetAt(timeZone: string, at: number): string | undefined {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value
}
