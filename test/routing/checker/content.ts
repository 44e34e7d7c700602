/**
 * Which template and which of its languages a person is written to in, and what the event must bring for it.
 */
import type { Person, PublishedRequest, Template } from './observations.ts'

type Content = Template['contents'][number]

/**
 * The first language of the event's locale, the person's, and the template's default that the template has for the
 * channel; each locale is shortened from its end until it fits (`ko-KR`, then `ko`).
 */
export function contentOf(
  template: Template,
  channel: string,
  { event, person }: { event: Pick<PublishedRequest, 'locale'>; person: Pick<Person, 'locale'> },
): Content | undefined {
  const contents = template.contents.filter((content) => content.channel === channel)
  const wanted = [event.locale, person.locale, template.defaultLocale].flatMap(shortenings)
  for (const locale of wanted) {
    const fitting = contents.find((content) => content.locale.toLowerCase() === locale)
    if (fitting !== undefined) return fitting
  }
  return undefined
}

function shortenings(locale: string | null): string[] {
  if (locale === null) return []
  const parts = locale.toLowerCase().split('-')
  return parts.map((_, at) => parts.slice(0, parts.length - at).join('-'))
}

/** What the content needs and the event does not bring. */
export function missingVariables(content: Content, { data }: Pick<PublishedRequest, 'data'>): string[] {
  return content.variables.filter((name) => !Object.hasOwn(data, name))
}
