/**
 * From what a browser sends of the preference page to what its reader wants.
 */
import { z } from 'zod'
import { requestChannels, type RequestChannel } from '../../domain/channel.ts'
import { contactRules } from '../../domain/contact-data.ts'
import type { WantedPreferences } from '../../domain/preferences.ts'
import type { DailyHours } from '../../domain/quiet-windows.ts'
import { minuteOfDay, timeOfDayForm } from '../../domain/time-of-day.ts'
import { categorySwitch, channelSwitch } from './pages/preferences-page.ts'

const categoriesMax = 1_000
const switchesMax = requestChannels.length * (categoriesMax + 1)

/** A field that comes once is a text, one that comes again a list. */
function listOf(max: number) {
  const texts = z.array(z.string()).max(max)
  return z.union([texts, z.string().transform((text) => [text])]).default([])
}

/** A time with seconds is one too: some browsers send them. */
const time = z
  .union([
    z.literal(''),
    z
      .string()
      .transform((text) => text.slice(0, 5))
      .pipe(z.string().regex(timeOfDayForm)),
  ])
  .default('')

/** Empty: automatic. */
function choice(accepts: (text: string) => boolean) {
  return z
    .string()
    .refine((text) => text === '' || accepts(text))
    .transform((text) => (text === '' ? null : text))
}

export const preferencesForm = z.object({
  do: z.enum(['save', 'all-off']).default('save'),
  on: listOf(switchesMax),
  shown: listOf(categoriesMax),
  quiet: z.literal('on').optional(),
  quiet_from: time,
  quiet_until: time,
  locale: choice(contactRules.locale.accepts),
  time_zone: choice(contactRules.timeZone.accepts),
})
export type PreferencesForm = z.output<typeof preferencesForm>

export interface ReadForm {
  wanted: WantedPreferences
  /** Quiet hours are wanted and one of their ends is missing; then they are left out of what is wanted. */
  isHalfQuiet: boolean
}

export function readForm(form: PreferencesForm): ReadForm {
  const on = new Set(form.on)
  const isOn = (channel: RequestChannel) => form.do === 'save' && on.has(channelSwitch(channel))
  const wanted: WantedPreferences = {
    // "Turn everything off" leaves the finer choices as they are: whoever comes back finds them.
    channelOptIns: { push: isOn('push'), sms: isOn('sms'), email: isOn('email') },
    categoryOptIns: form.shown.flatMap((category) =>
      requestChannels.map((channel) => ({ category, channel, optIn: on.has(categorySwitch(channel, category)) })),
    ),
    locale: form.locale,
    timeZone: form.time_zone,
    quietHours: quietHoursOf(form),
  }
  return { wanted, isHalfQuiet: form.quiet !== undefined && wanted.quietHours === null }
}

function quietHoursOf({ quiet, quiet_from: from, quiet_until: until }: PreferencesForm): DailyHours | null {
  if (quiet === undefined || from === '' || until === '') return null
  return { fromMinute: minuteOfDay(from), untilMinute: minuteOfDay(until) }
}
