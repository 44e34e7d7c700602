/**
 * Times of the day as people write them, `22:30`, and as they are kept: minutes after local midnight.
 */
export const timeOfDayForm = /^([01]\d|2[0-3]):[0-5]\d$/

/** @param text of `timeOfDayForm`; anything else gives NaN. */
export function minuteOfDay(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

export function timeOfDay(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':')
}
