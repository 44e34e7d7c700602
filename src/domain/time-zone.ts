/**
 * The time zone of a person: as they say, or every one that they may live in.
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import { IANAZone } from 'luxon'
import type { Profile } from './profile.ts'

/** Asking ICU takes half a millisecond, too long for every line of an import. */
const canonicalZones: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'))

/** Whether it is an IANA name that this process knows. An offset such as `+09:00` names no zone. */
export function isTimeZone(name: string): boolean {
  return canonicalZones.has(name) || (/^[A-Z][A-Z0-9_+/-]{0,63}$/i.test(name) && isOtherName(name))
}

/** What ICU knows by another name (`UTC`, `Asia/Kolkata`) and what nobody knows: too long for every event, too. */
const otherNames = new Map<string, boolean>()
const otherNamesMax = 1_000

function isOtherName(name: string): boolean {
  const known = otherNames.get(name)
  if (known !== undefined) return known
  const isKnown = IANAZone.isValidZone(name)
  if (otherNames.size === otherNamesMax) otherNames.clear()
  otherNames.set(name, isKnown)
  return isKnown
}

/**
 * The zones that a person's clocks may show: their own; else those of the country of their telephone number; else those
 * of their locale's region. What nothing is known about is in the default zone.
 * @param defaultZone an IANA name.
 */
export function possibleZonesOf(
  { timeZone, phoneNumber, locale }: Pick<Profile, 'timeZone' | 'phoneNumber' | 'locale'>,
  defaultZone: string,
): readonly string[] {
  if (timeZone !== null && isTimeZone(timeZone)) return [timeZone]
  const country = countryOf(phoneNumber) ?? regionOf(locale)
  const zones = country === undefined ? [] : zonesOfCountry(country)
  return zones.length > 0 ? zones : [defaultZone]
}

function countryOf(phoneNumber: string | null): string | undefined {
  return phoneNumber === null ? undefined : parsePhoneNumberFromString(phoneNumber)?.country
}

function regionOf(locale: string | null): string | undefined {
  if (locale === null) return undefined
  try {
    return new Intl.Locale(locale).region
  } catch {
    return undefined
  }
}

/** Not among TypeScript's types yet; Unicode's territory data, which comes with Node. */
interface LocaleWithTimeZones {
  getTimeZones(): string[] | undefined
}

const zonesOfCountries = new Map<string, readonly string[]>()

/** @param country ISO 3166-1 alpha-2. Kept: there are some 250 of them, and asking takes longer than deciding. */
function zonesOfCountry(country: string): readonly string[] {
  const known = zonesOfCountries.get(country)
  if (known !== undefined) return known
  const asked = (new Intl.Locale('und', { region: country }) as unknown as LocaleWithTimeZones).getTimeZones() ?? []
  const zones = asked.filter(isTimeZone)
  zonesOfCountries.set(country, zones)
  return zones
}
