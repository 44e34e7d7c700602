/**
 * What the clock on a person's wall says, straight from Intl: no arithmetic of offsets, so no mistake in it either.
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import type { Person } from './observations.ts'

const minuteMs = 60_000
/** Zones change their offset on quarters of an hour, so within one the wall moves as the clock does. */
const quarterMs = 15 * minuteMs
const minutesPerDay = 1_440

const formats = new Map<string, Intl.DateTimeFormat | undefined>()
const quarters = new Map<string, number>()

/** Minutes since midnight on the wall. The zone has to be known to Intl. */
export function minuteOfDay(zone: string, at: number): number {
  const quarter = Math.floor(at / quarterMs)
  const key = `${zone} ${quarter}`
  let onQuarter = quarters.get(key)
  if (onQuarter === undefined) {
    onQuarter = readWall(zone, quarter * quarterMs)
    quarters.set(key, onQuarter)
  }
  return (onQuarter + Math.floor((at - quarter * quarterMs) / minuteMs)) % minutesPerDay
}

function readWall(zone: string, at: number): number {
  const parts = formatOf(zone)?.formatToParts(at) ?? []
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  return read('hour') * 60 + read('minute')
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (!formats.has(zone)) formats.set(zone, makeFormat(zone))
  return formats.get(zone)
}

function makeFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  } catch {
    return undefined
  }
}

/**
 * The zones that the person may live in: their own if it is one; else those of the country of their number; else those
 * of their locale's region; where nothing tells, the zone that the operator named for them.
 */
export function zonesOf(
  { timeZone, phoneNumber, locale }: Pick<Person, 'timeZone' | 'phoneNumber' | 'locale'>,
  defaultZone: string,
): string[] {
  if (timeZone !== null && formatOf(timeZone) !== undefined) return [timeZone]
  const ofNumber = zonesOfCountry(parsePhoneNumberFromString(phoneNumber ?? '')?.country)
  if (ofNumber.length > 0) return ofNumber
  const ofLocale = zonesOfCountry(regionOf(locale))
  return ofLocale.length > 0 ? ofLocale : [defaultZone]
}

function regionOf(locale: string | null): string | undefined {
  try {
    return locale === null ? undefined : new Intl.Locale(locale).region
  } catch {
    return undefined
  }
}

const countries = new Map<string, string[]>()

function zonesOfCountry(country: string | undefined): string[] {
  if (country === undefined) return []
  let zones = countries.get(country)
  if (zones === undefined) {
    // Intl's own list of a region's zones; the compiler's library does not know it yet.
    const locale = new Intl.Locale(`und-${country}`) as Intl.Locale & { getTimeZones(): string[] | undefined }
    zones = (locale.getTimeZones() ?? []).filter((zone) => formatOf(zone) !== undefined)
    countries.set(country, zones)
  }
  return zones
}
