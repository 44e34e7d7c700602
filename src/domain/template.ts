/**
 * Templates: immutable versions with `{{ parameter }}` placeholders (liquid), one content per channel and locale, of
 * which one version is published.
 */
import type { RequestChannel } from './channel.ts'

/** A button and where it leads. */
export interface CallToAction {
  title: string
  url: string
}

export type TemplateContent =
  | {
      channel: 'push'
      title: string
      body: string
      callToAction: CallToAction | null
      /** What the app opens when the notification itself is tapped. */
      deepLink: string | null
    }
  | { channel: 'sms'; body: string }
  | { channel: 'email'; subject: string; text: string; html: string; callToAction: CallToAction | null }

/** A content with what it needs: names of the data, and `list[].field` for what each map of a list must have. */
export interface LocalizedContent {
  locale: string
  content: TemplateContent
  variables: readonly string[]
}

/** All that a version says, before it has a number. */
export interface TemplateDraft {
  templateId: string
  description: string
  defaultLocale: string
  contents: readonly LocalizedContent[]
}

/** What the router pins: which version is published, and what each channel has and needs. */
export interface PublishedTemplate {
  templateId: string
  version: number
  defaultLocale: string
  contentsOf: Partial<Record<RequestChannel, readonly ContentSummary[]>>
}

export interface ContentSummary {
  locale: string
  /** As of `LocalizedContent`. */
  variables: readonly string[]
}

/**
 * The best that there is: for each wanted locale in turn the locale itself and then without its last part again and again
 * (`zh-Hant-TW`, `zh-Hant`, `zh`), then the default, then whatever there is. Undefined if there is nothing.
 */
export function pickLocale<Content extends { locale: string }>(
  available: readonly Content[],
  wanted: readonly (string | null)[],
  defaultLocale: string,
): Content | undefined {
  for (const locale of [...wanted, defaultLocale]) {
    if (locale === null) continue
    const found = withoutLastParts(locale, available)
    if (found !== undefined) return found
  }
  return available[0]
}

function withoutLastParts<Content extends { locale: string }>(
  locale: string,
  available: readonly Content[],
): Content | undefined {
  let prefix = locale
  while (prefix !== '') {
    const candidate = prefix
    const found = available.find((content) => isSameTag(content.locale, candidate))
    if (found !== undefined) return found
    prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('-')))
  }
  return undefined
}

/** Language tags are the same in whatever case they are written (RFC 5646, section 2.1.1). */
function isSameTag(one: string, other: string): boolean {
  return one === other || (one.length === other.length && one.toLowerCase() === other.toLowerCase())
}
