/**
 * Whether a person may be called at a moment: their quiet hours, and the hours that the category keeps. Where the zone
 * is not known, a moment is quiet that is quiet in any zone that it may be.
 */
import type { Category, DailyHours, Person } from './observations.ts'
import { minuteOfDay } from './wall-clock.ts'

/** Whose hours, and for what. */
export interface Hours {
  person: Person
  category: Category
  /** All that the person may live in. */
  zones: readonly string[]
}

export function isQuiet({ person, category, zones }: Hours, at: number): boolean {
  if (category.isMandatory) return false
  const { quietHours } = person
  const { sendWindow } = category
  const keepsQuiet = category.quietHours === 'defer' && quietHours !== null
  if (!keepsQuiet && sendWindow === null) return false
  return zones.some((zone) => {
    const minute = minuteOfDay(zone, at)
    if (keepsQuiet && isWithin(minute, quietHours)) return true
    return sendWindow !== null && !isWithin(minute, sendWindow) && !isWholeDay(sendWindow)
  })
}

/** Hours that end where they begin are none. */
function isWithin(minute: number, { fromMinute, untilMinute }: DailyHours): boolean {
  if (fromMinute <= untilMinute) return minute >= fromMinute && minute < untilMinute
  return minute >= fromMinute || minute < untilMinute
}

/** A window that ends where it begins keeps nobody out. */
function isWholeDay({ fromMinute, untilMinute }: DailyHours): boolean {
  return fromMinute === untilMinute
}

const minuteMs = 60_000

/**
 * Looked for minute by minute, which is slow and cannot be wrong. Undefined: all of it is quiet. Where an hour comes twice
 * and quiet hours end in it, they end the second time: a moment after the first end is none yet.
 */
export function firstLoudMoment(hours: Hours, { from, until }: { from: number; until: number }): number | undefined {
  for (let at = from; at <= until; at = (Math.floor(at / minuteMs) + 1) * minuteMs) {
    if (!isQuiet(hours, at) && !isQuietAgainSoon(hours, at)) return at
  }
  return undefined
}

/** No clock is put back by more. */
const doubledMinutesMax = 60

/** Whether the clocks go back from here into quiet hours that had ended. */
function isQuietAgainSoon(hours: Hours, at: number): boolean {
  return hours.zones.some((zone) => {
    for (let minutes = 1; minutes <= doubledMinutesMax; minutes += 1) {
      const next = at + minutes * minuteMs
      const advance = minuteOfDay(zone, next) - minuteOfDay(zone, next - minuteMs)
      // At midnight the minute falls by nearly a day, where the clocks go back by an hour at most.
      if (advance < 0 && advance >= -doubledMinutesMax) return isQuiet(hours, next)
    }
    return false
  })
}

/** A first moment of quiet between the two, looked for in steps that no quiet hours of the run are shorter than. */
export function firstQuietMoment(
  hours: Hours,
  { from, until, stepMs }: { from: number; until: number; stepMs: number },
): number | undefined {
  for (let at = from; at < until; at += stepMs) {
    if (isQuiet(hours, at)) return at
  }
  return undefined
}
