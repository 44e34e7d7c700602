/**
 * Finds where the links of an HTML document stand, as browsers read it: the values of `href` in `<a …>` and nothing that
 * merely looks like one, in a comment, a style, a title or another attribute.
 *
 * It reads and changes nothing: whoever rewrites a link replaces just its span, and every other byte stays what it was.
 * https://html.spec.whatwg.org/multipage/parsing.html#tokenization
 */
export interface HrefSpan {
  /** Of the value as it is written, without its quotation marks: half open. */
  start: number
  end: number
  /** The author asked that it is left alone: `clicktracking="off"`. */
  untracked: boolean
}

export interface FoundLinks {
  hrefs: HrefSpan[]
  /** Where the body ends: what belongs into it may be put there. */
  bodyEnd: number
}

/** What stands between these and their end is text, whatever it looks like. */
const textElements = new Set(['style', 'script', 'title', 'textarea', 'iframe', 'xmp', 'noembed', 'noframes'])

const letter = /[a-z]/i
const afterTagName = /[\t\n\f\r />]/
const afterAttributeName = /[\t\n\f\r />=]/
const afterUnquotedValue = /[\t\n\f\r >]/
const space = /[\t\n\f\r ]/

export function findLinks(html: string): FoundLinks {
  const hrefs: HrefSpan[] = []
  let bodyEnd = html.length
  let at = html.indexOf('<')
  while (at !== -1) {
    const next = html[at + 1] ?? ''
    const isEndTag = next === '/' && letter.test(html[at + 2] ?? '')
    let end: number
    if (letter.test(next) || isEndTag) {
      const tag = readTag(html, at + (isEndTag ? 2 : 1))
      if (isEndTag && tag.name === 'body') bodyEnd = at
      if (!isEndTag && tag.name === 'a' && tag.href !== undefined) hrefs.push(tag.href)
      end = !isEndTag && textElements.has(tag.name) ? endOfText(html, tag.end, tag.name) : tag.end
    } else {
      end = endOfOther(html, at)
    }
    at = html.indexOf('<', end)
  }
  return { hrefs, bodyEnd }
}

/** After a comment, a doctype, or a `<` that is text. */
function endOfOther(html: string, at: number): number {
  if (html.startsWith('<!--', at)) return endOfComment(html, at + 4)
  const next = html[at + 1]
  return next === '!' || next === '?' || next === '/' ? indexAfter(html, '>', at) : at + 1
}

/** `<!-->` and `<!--->` are whole comments. What Outlook alone reads stands in comments, and is left alone. */
function endOfComment(html: string, at: number): number {
  if (html[at] === '>') return at + 1
  if (html.startsWith('->', at)) return at + 2
  const ends = [indexAfter(html, '-->', at), indexAfter(html, '--!>', at)]
  return Math.min(...ends)
}

function indexAfter(html: string, text: string, from: number): number {
  const found = html.indexOf(text, from)
  return found === -1 ? html.length : found + text.length
}

/** Where the end tag of a text element begins. */
function endOfText(html: string, from: number, name: string): number {
  const endTag = new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, 'gi')
  endTag.lastIndex = from
  return endTag.exec(html)?.index ?? html.length
}

interface Tag {
  /** In lower case. */
  name: string
  /** After its `>`. */
  end: number
  href: HrefSpan | undefined
}

/** @param from the first character of the name. */
function readTag(html: string, from: number): Tag {
  let at = skipUntil(html, from, afterTagName)
  const name = html.slice(from, at).toLowerCase()
  let value: Value | undefined
  let untracked = false
  for (;;) {
    while (space.test(html[at] ?? '') || html[at] === '/') at += 1
    // A tag that does not end is none.
    if (at >= html.length) return { name: '', end: at, href: undefined }
    if (html[at] === '>') break
    const attribute = readAttribute(html, at)
    at = attribute.end
    // Of two attributes of one name browsers take the first.
    if (attribute.name === 'href') value ??= attribute.value
    if (attribute.name === 'clicktracking') untracked ||= isOff(html, attribute.value)
  }
  return { name, end: at + 1, href: value === undefined ? undefined : { ...value, untracked } }
}

interface Value {
  start: number
  end: number
}

function readAttribute(html: string, from: number): { name: string; value: Value | undefined; end: number } {
  // An equals sign in the first place belongs to the name.
  const nameEnd = skipUntil(html, from + 1, afterAttributeName)
  const name = html.slice(from, nameEnd).toLowerCase()
  let at = skipSpace(html, nameEnd)
  if (html[at] !== '=') return { name, value: undefined, end: nameEnd }
  at = skipSpace(html, at + 1)
  const quote = html[at]
  if (quote === '"' || quote === "'") {
    const closing = html.indexOf(quote, at + 1)
    const end = closing === -1 ? html.length : closing
    return { name, value: { start: at + 1, end }, end: Math.min(html.length, end + 1) }
  }
  const end = skipUntil(html, at, afterUnquotedValue)
  return { name, value: end === at ? undefined : { start: at, end }, end }
}

function isOff(html: string, value: Value | undefined): boolean {
  return value !== undefined && html.slice(value.start, value.end).toLowerCase() === 'off'
}

function skipUntil(html: string, from: number, stop: RegExp): number {
  let at = from
  while (at < html.length && !stop.test(html[at] ?? '')) at += 1
  return at
}

function skipSpace(html: string, from: number): number {
  let at = from
  while (space.test(html[at] ?? '')) at += 1
  return at
}
