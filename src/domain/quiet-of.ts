/**
 * The quiet of one person for one category: whether it is quiet now, and when it will be.
 */
import type { Category } from './category.ts'
import type { Profile } from './profile.ts'
import { endOfQuiet, nextWindow, outside, quietWindows, type DailyHours, type QuietWindow } from './quiet-windows.ts'
import { possibleZonesOf } from './time-zone.ts'

export interface Quiet {
  /** The end of the quiet that it is now; null if it is not. */
  untilMs: number | null
  /** The quiet after that; null if none comes before the notification expires. */
  next: QuietWindow | null
}

const never: Quiet = { untilMs: null, next: null }

export interface QuietSpan {
  fromMs: number
  /** When the notification expires. */
  untilMs: number
  defaultZone: string
}

export function quietOf(category: Category, profile: Profile, span: QuietSpan): Quiet {
  const windows = windowsOf(category, profile, span)
  if (windows.length === 0) return never
  const untilMs = endOfQuiet(windows, span.fromMs) ?? null
  return { untilMs, next: nextWindow(windows, untilMs ?? span.fromMs) ?? null }
}

/** All quiet windows that touch the span, in order. A mandatory category knows none. */
export function windowsOf(
  category: Category,
  profile: Profile,
  { fromMs, untilMs, defaultZone }: QuietSpan,
): QuietWindow[] {
  const hours = dailyHoursOf(category, profile)
  if (hours.length === 0) return []
  return quietWindows(hours, possibleZonesOf(profile, defaultZone), { from: fromMs, until: untilMs })
}

/** The person's own quiet hours, unless the category ignores them, and the hours outside its send window. */
function dailyHoursOf(category: Category, { quietFromMinute, quietUntilMinute }: Profile): DailyHours[] {
  if (category.mandatory) return []
  const own =
    quietFromMinute === null || quietUntilMinute === null || category.quietHoursPolicy === 'ignore'
      ? undefined
      : { fromMinute: quietFromMinute, untilMinute: quietUntilMinute }
  const closed = category.sendWindow === null ? undefined : outside(category.sendWindow)
  return [own, closed].filter((hours) => hours !== undefined)
}
