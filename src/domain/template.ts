/**
 * Published templates: immutable versions with `{{ parameter }}` placeholders (liquid), one content per channel and locale.
 */
import type { RequestChannel } from './channel.ts'

export interface CallToAction {
  title: string
  url: string
}

export type TemplateContent =
  | { channel: 'push'; title: string; body: string; callToAction: CallToAction | null }
  | { channel: 'sms'; body: string }
  | { channel: 'email'; subject: string; text: string; html: string; callToAction: CallToAction | null }

/** What the router pins: which version is published, and which locales each channel has. */
export interface PublishedTemplate {
  templateId: string
  version: number
  localesOf: Partial<Record<RequestChannel, string[]>>
}

/** The locale that is used when neither the request's nor the person's has a content. */
const fallbackLocale = 'en'

/**
 * The best locale that a channel of the template has: the wanted ones in their order, each exactly and then by its
 * language alone (`ko-KR`, then `ko`), then the fallback, then whatever there is. Undefined if the channel has none.
 */
export function pickLocale(available: readonly string[], wanted: readonly (string | null)[]): string | undefined {
  for (const locale of [...wanted, fallbackLocale]) {
    if (locale === null) continue
    if (available.includes(locale)) return locale
    const language = locale.split('-')[0]
    if (language !== undefined && available.includes(language)) return language
  }
  return available[0]
}
