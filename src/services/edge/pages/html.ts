/**
 * HTML by tagged template: whatever is put in is escaped, unless it is HTML made here already.
 *
 * What is put in stands in a text or in an attribute with quotation marks; the pages have no other places.
 */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** `false`, `null` and `undefined` leave nothing, so that a part can be left out where it is written. */
type Part = string | number | false | null | undefined | Html | readonly Html[]

export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, index) => text + (index < parts.length ? written(parts[index]) : '')).join(''))
}

function written(part: Part): string {
  if (part === false || part === null || part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(({ text }) => text).join('')
  return String(part).replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}
