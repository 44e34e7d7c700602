/**
 * Categories and templates at random: every rule that a category may have, in combinations that nobody would think of.
 */
import type { Cap, Category, DailyHours, Template } from './checker/observations.ts'
import type { Choices } from './random-choices.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

export const lanes = ['transactional', 'bulk'] as const
const channels = ['push', 'sms', 'email'] as const
const locales = ['en', 'ko', 'de', 'de-AT', 'zh-Hant', 'pt-BR'] as const
export const variables = ['name', 'total'] as const

export function randomTemplates(choices: Choices): Template[] {
  return Array.from({ length: 5 }, (_, at) => {
    const defaultLocale = choices.pick(locales)
    const written = choices.chance(0.7) ? channels : [choices.pick(channels)]
    return {
      templateId: `template-${at}`,
      version: choices.integer(1, 9),
      defaultLocale,
      contents: written.flatMap((channel) =>
        [...new Set([defaultLocale, ...choices.some(locales, 0.4)])].map((locale) => ({
          channel,
          locale,
          variables: choices.some(variables, 0.4),
        })),
      ),
    }
  })
}

/** @param isCapped false: nobody counts, so that senders may be late without a cap being broken by it. */
export function randomCategories(choices: Choices, templates: readonly Template[], isCapped: boolean): Category[] {
  const names = Array.from({ length: 12 }, (_, at) => `category-${at}`)
  return names.map((name, at) => ({
    ...randomCategory(choices, { name, templates, isCapped }),
    ...(at < 2 ? { isMandatory: true } : {}),
    // Whatever else comes, these two are full at times.
    ...(at === 2 || at === 3
      ? { ...everywhere, caps: isCapped ? [often] : [], overCap: overCaps[at - 2] ?? 'drop' }
      : {}),
  }))
}

const overCaps = ['defer', 'drop'] as const
const often: Cap = { limit: 1, windowMs: hourMs }
const everywhere = { channels, optInDefault: true, sendWindow: null, timeToLiveMs: 2 * dayMs }

function randomCategory(
  choices: Choices,
  { name, templates, isCapped }: { name: string; templates: readonly Template[]; isCapped: boolean },
): Category {
  return {
    name,
    lane: choices.pick(lanes),
    channels: choices.chance(0.6) ? [...channels] : [choices.pick(channels)],
    isMandatory: false,
    optInDefault: choices.chance(0.75),
    caps: isCapped && choices.chance(0.7) ? randomCaps(choices) : [],
    overCap: choices.chance(0.65) ? 'defer' : 'drop',
    quietHours: choices.chance(0.75) ? 'defer' : 'ignore',
    sendWindow: choices.chance(0.3) ? randomHours(choices, { shortest: 8 * 60, longest: 14 * 60 }) : null,
    timeToLiveMs: choices.pick([20 * minuteMs, 3 * hourMs, 12 * hourMs, 2 * dayMs]),
    template: choices.pick(templates).templateId,
  }
}

/** Several windows at once, and now and then none that lets anything through. */
function randomCaps(choices: Choices): Cap[] {
  if (choices.chance(0.05)) return [{ limit: 0, windowMs: hourMs }]
  const narrow = { limit: choices.integer(1, 3), windowMs: choices.pick([minuteMs, 10 * minuteMs, hourMs]) }
  const wide = { limit: narrow.limit + choices.integer(0, 3), windowMs: choices.pick([6 * hourMs, dayMs]) }
  return choices.chance(0.5) ? [narrow] : [narrow, wide]
}

/** Longer than a quarter of an hour and with a longer pause, as the checker's steps need it; many go past midnight. */
export function randomHours(
  choices: Choices,
  { shortest, longest }: { shortest: number; longest: number },
): DailyHours {
  const fromMinute = choices.integer(0, 287) * 5
  const untilMinute = (fromMinute + choices.integer(shortest / 5, longest / 5) * 5) % 1_440
  return { fromMinute, untilMinute }
}
