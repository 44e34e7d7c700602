/**
 * Puts tracking into the rendered HTML of an email: links lead through the edge, and a pixel tells that it was opened.
 *
 * Only the values of links change, and a pixel is added at the end of the body; every other byte stays. A link is left
 * alone where it leads to no web page (`mailto:`, `tel:`, `#`), where it leads to the edge already, where its author says
 * so, and where it is written in a way that this cannot read with certainty.
 */
import { followableUrl, type MessageLinks } from '../../domain/message-links.ts'
import { linkIndexMax } from '../../domain/signed-link.ts'
import { findLinks } from './anchor-hrefs.ts'

export type TrackingLinks = Pick<MessageLinks, 'edgeUrl' | 'click' | 'openPixel'>

export function trackedEmail(html: string, links: TrackingLinks): string {
  const { hrefs, bodyEnd } = findLinks(html)
  const edits: Edit[] = [{ start: bodyEnd, end: bodyEnd, text: pixelOf(links.openPixel()) }]
  let tracked = 0
  for (const { start, end, untracked } of hrefs) {
    const url = untracked ? undefined : trackableUrl(html.slice(start, end), links.edgeUrl)
    if (url === undefined || tracked === linkIndexMax) continue
    tracked += 1
    edits.push({ start, end, text: encodedHref(links.click(tracked, url)) })
  }
  return edited(html, edits)
}

/** What stands from `start` to before `end` is replaced. */
interface Edit {
  start: number
  end: number
  text: string
}

function edited(html: string, edits: readonly Edit[]): string {
  const pieces: string[] = []
  let copied = 0
  // The pixel is the one edit that comes out of order.
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start)) {
    pieces.push(html.slice(copied, start), text)
    copied = end
  }
  pieces.push(html.slice(copied))
  return pieces.join('')
}

/** Undefined where the link is to be left alone. */
function trackableUrl(href: string, edgeUrl: string): string | undefined {
  const decoded = decodedHref(href)
  if (decoded === undefined) return undefined
  const url = followableUrl(decoded)
  return url === undefined || url.startsWith(`${edgeUrl}/`) ? undefined : url
}

const namedCharacters: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * What an attribute's value means. Undefined for the two thousand names of characters that no URL needs, and for what
 * browsers would have to guess: such a link is left alone.
 */
export function decodedHref(value: string): string | undefined {
  let isUncertain = false
  const decoded = value.replaceAll(/&(?:#x([0-9a-f]{1,6});|#(\d{1,7});|#|([a-z][a-z0-9]*)(;?))/gi, (...match) => {
    const [whole, hex, decimal, name, semicolon, offset] = match as [
      string,
      string | undefined,
      string | undefined,
      string | undefined,
      string | undefined,
      number,
    ]
    if (name !== undefined && semicolon === '') {
      // `?a=1&copy=2`: before an equals sign a name without a semicolon is none.
      if (value[offset + whole.length] !== '=') isUncertain = true
      return whole
    }
    const character =
      name === undefined
        ? characterOf(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
        : namedCharacters[name]
    if (character === undefined) isUncertain = true
    return character ?? whole
  })
  return isUncertain ? undefined : decoded
}

/** Undefined for what browsers replace by something else: controls, Windows's own characters, halves of pairs. */
function characterOf(codePoint: number): string | undefined {
  const isReplaced = codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0)
  const isCharacter = codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff)
  return isReplaced || !isCharacter || Number.isNaN(codePoint) ? undefined : String.fromCodePoint(codePoint)
}

/** Fit for an attribute in either quotation mark, or in none: the edge's URL may hold what the token cannot. */
function encodedHref(url: string): string {
  return url
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

function pixelOf(url: string): string {
  return `<img src="${encodedHref(url)}" alt="" width="1" height="1" style="display:block;width:1px;height:1px;border:0">`
}
