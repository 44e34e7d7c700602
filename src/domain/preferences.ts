/**
 * What somebody wants to hear, as they see and change it themselves: channel switches, categories by channel, quiet hours,
 * time zone and language.
 */
import { requestChannels, type RequestChannel } from './channel.ts'
import type { CategoryOptIn } from './profile.ts'
import type { DailyHours } from './quiet-windows.ts'

/** A category as people see it. */
export interface PreferredCategory {
  name: string
  /** What people call it, by language. */
  titles: Readonly<Record<string, string>>
  /** Nobody can leave it. */
  mandatory: boolean
  /** As the sender will decide, apart from the channel switches. */
  optIns: Readonly<Record<RequestChannel, boolean>>
}

export interface Preferences {
  channelOptIns: Readonly<Record<RequestChannel, boolean>>
  categories: readonly PreferredCategory[]
  locale: string | null
  /** IANA name. */
  timeZone: string | null
  quietHours: DailyHours | null
}

/** What somebody asked for: only what they were shown. */
export interface WantedPreferences {
  channelOptIns: Readonly<Record<RequestChannel, boolean>>
  categoryOptIns: readonly CategoryOptIn[]
  locale: string | null
  timeZone: string | null
  quietHours: DailyHours | null
}

export interface PreferenceChanges {
  channelOptIns: readonly { channel: RequestChannel; optIn: boolean }[]
  categoryOptIns: readonly CategoryOptIn[]
  /** All of it where any of it changes. */
  person: Pick<Preferences, 'locale' | 'timeZone' | 'quietHours'> | null
}

/**
 * What differs. Whoever leaves a default alone goes on following it; a mandatory category changes for nobody, whatever
 * was sent.
 */
export function preferenceChanges(current: Preferences, wanted: WantedPreferences): PreferenceChanges {
  const categoryOf = new Map(current.categories.map((category) => [category.name, category]))
  const { locale, timeZone, quietHours } = wanted
  const isSamePerson =
    locale === current.locale && timeZone === current.timeZone && isSameHours(quietHours, current.quietHours)
  return {
    channelOptIns: requestChannels
      .filter((channel) => wanted.channelOptIns[channel] !== current.channelOptIns[channel])
      .map((channel) => ({ channel, optIn: wanted.channelOptIns[channel] })),
    categoryOptIns: wanted.categoryOptIns.filter(({ category, channel, optIn }) => {
      const found = categoryOf.get(category)
      return found !== undefined && !found.mandatory && found.optIns[channel] !== optIn
    }),
    person: isSamePerson ? null : { locale, timeZone, quietHours },
  }
}

/** As they would be: what the person sees again when something of it cannot be saved. */
export function withWanted(current: Preferences, wanted: WantedPreferences): Preferences {
  const { channelOptIns, locale, timeZone, quietHours } = wanted
  const wantedOf = new Map(wanted.categoryOptIns.map((each) => [`${each.channel} ${each.category}`, each.optIn]))
  const categories = current.categories.map((category) => {
    if (category.mandatory) return category
    const optIn = (channel: RequestChannel) => wantedOf.get(`${channel} ${category.name}`) ?? category.optIns[channel]
    return { ...category, optIns: { push: optIn('push'), sms: optIn('sms'), email: optIn('email') } }
  })
  return { channelOptIns, categories, locale, timeZone, quietHours }
}

export function isEmptyChange({ channelOptIns, categoryOptIns, person }: PreferenceChanges): boolean {
  return channelOptIns.length === 0 && categoryOptIns.length === 0 && person === null
}

function isSameHours(one: DailyHours | null, other: DailyHours | null): boolean {
  return one?.fromMinute === other?.fromMinute && one?.untilMinute === other?.untilMinute
}
