/**
 * When a person is not to be disturbed: their own quiet hours and the hours outside a category's send window, on the
 * clocks of their own time zone.
 *
 * Where the zone is not known it may be any of several, and it is quiet as long as it is quiet in one of them. On the
 * night in which an hour comes twice, quiet lasts from the first time that the clocks show its beginning to the last time
 * that they show its end.
 */
import { instantsOf } from './local-time.ts'

/** Daily hours in minutes after local midnight, from 0 to 1,439; the second one not above the first means overnight. */
export interface DailyHours {
  fromMinute: number
  untilMinute: number
}

/** Half open, Unix ms. */
export interface QuietWindow {
  from: number
  until: number
}

const dayMs = 86_400_000

/** What is left of a day around the hours in which a category may be sent. Both ends alike: always allowed. */
export function outside({ fromMinute, untilMinute }: DailyHours): DailyHours | undefined {
  return fromMinute === untilMinute ? undefined : { fromMinute: untilMinute, untilMinute: fromMinute }
}

/**
 * The windows that touch a span of time, in order and apart from each other.
 * @param zones IANA names, all of them valid.
 */
export function quietWindows(
  hours: readonly DailyHours[],
  zones: readonly string[],
  { from, until }: QuietWindow,
): QuietWindow[] {
  const windows = zones.flatMap((zone) => {
    const found: QuietWindow[] = []
    // Local dates are at most a day from the UTC date, and a window begins at most a day before it ends.
    for (let date = dateOf(from) - 2 * dayMs; date <= dateOf(until) + dayMs; date += dayMs) {
      for (const daily of hours) found.push(windowOn(zone, date, daily))
    }
    return found
  })
  return merged(windows.filter((window) => window.from < window.until && window.until > from && window.from < until))
}

/** The end of the window that an instant lies in; undefined if it is not quiet then. */
export function endOfQuiet(windows: readonly QuietWindow[], instant: number): number | undefined {
  return windows.find((window) => window.from <= instant && instant < window.until)?.until
}

/** The window that an instant lies in, or else the next one. */
export function nextWindow(windows: readonly QuietWindow[], instant: number): QuietWindow | undefined {
  return windows.find((window) => window.until > instant)
}

/** Equal ends are a whole day: whoever says "from eight to eight" is not to be disturbed at all. */
function windowOn(zone: string, date: number, { fromMinute, untilMinute }: DailyHours): QuietWindow {
  const lastDate = untilMinute > fromMinute ? date : date + dayMs
  return { from: instantsOf(zone, date, fromMinute).first, until: instantsOf(zone, lastDate, untilMinute).last }
}

/** UTC midnight. */
function dateOf(instant: number): number {
  return instant - (instant % dayMs)
}

function merged(windows: readonly QuietWindow[]): QuietWindow[] {
  const apart: QuietWindow[] = []
  for (const window of windows.toSorted((a, b) => a.from - b.from)) {
    const last = apart.at(-1)
    if (last !== undefined && window.from <= last.until) last.until = Math.max(last.until, window.until)
    else apart.push({ ...window })
  }
  return apart
}
