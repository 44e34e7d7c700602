import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Browser, Page } from 'playwright-core'
import { findLinks } from '../../src/services/templates/anchor-hrefs.ts'
import { decodedHref } from '../../src/services/templates/tracked-email.ts'
import { launchBrowser, withoutBrowser } from '../support/browser.ts'

/** Pieces of which what a browser makes of an email is made; none that a browser would move elsewhere in the tree. */
const pieces = [
  '<a href="https://a.example/?a=1&amp;b=2">',
  "<a class=x href='https://b.example/'>",
  '<a href=https://c.example/x>',
  '<A HREF = "https://d.example/" href="https://e.example/">',
  '<a title="a > b" href="https://f.example/">',
  '<a/href="https://g.example/"/>',
  '<a title=\'href="https://h.example/"\'>',
  '<a href="https://i.example/?a&#38;b&#x26;c&quot;&apos;&lt;&gt;">',
  '<a href="https://j.example/?a=1&copy=2&lt=3">',
  '<a\n\thref\n=\n"https://k.example/"\n>',
  '<a href="https://l.example/\n">',
  '<a href>',
  '<a href="">',
  '<a =href="https://m.example/">',
  '<a "href="https://n.example/">',
  '<a href="https://o.example/"data-x>',
  '<a href="https://p.example/',
  '<abbr href="https://q.example/">',
  '</a>',
  '</a href="https://r.example/">',
  '<!--',
  '-->',
  '--!>',
  '<!-->',
  '<!--->',
  '<!-- x -- y -->',
  '<!x>',
  '<?x>',
  '</3>',
  '</>',
  '<!doctype html>',
  '<![CDATA[',
  ']]>',
  '<style>',
  '</style>',
  '</style',
  '</styles>',
  '<title>',
  '</title\n>',
  '<textarea>',
  '</TEXTAREA>',
  '<p>',
  '<div class="<a href=">',
  '"',
  "'",
  '>',
  '<',
  '< a href="https://s.example/">',
  '&amp;',
  '=',
  '/',
  ' ',
  'text',
]

describe('what counts as a link of an email', { skip: withoutBrowser }, () => {
  let browser: Browser
  let page: Page

  before(async () => {
    browser = await launchBrowser()
    page = await browser.newPage()
  })
  after(() => browser.close())

  /** As the browser reads it: every anchor once, in the order of the document. */
  async function readByBrowser(documents: readonly string[]): Promise<string[][]> {
    return page.evaluate(
      `(${String((texts: string[]) => {
        // In the browser, of which this program has no types.
        const { DOMParser } = globalThis as unknown as {
          DOMParser: new () => {
            parseFromString(
              text: string,
              type: string,
            ): { querySelectorAll(selector: string): Iterable<{ getAttribute(name: string): string | null }> }
          }
        }
        return texts.map((text) =>
          Array.from(new DOMParser().parseFromString(text, 'text/html').querySelectorAll('a[href]'), (anchor) =>
            anchor.getAttribute('href'),
          ),
        )
      })})(${JSON.stringify(documents)})`,
    )
  }

  test('is what a browser takes for one, in 4,000 documents that were made to mislead', async () => {
    const documents = fc.sample(
      fc
        .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 14 })
        .map((chosen) => chosen.map((piece, place) => piece.replaceAll('.example', `${place}.example`)).join('')),
      { numRuns: 4_000, seed: 20_260_301 },
    )
    const read = await readByBrowser(documents)
    let links = 0
    for (const [index, text] of documents.entries()) {
      const ours = findLinks(text).hrefs.map(({ start, end }) => decodedHref(text.slice(start, end)))
      // An anchor that is not closed a browser may open again in the next block: the same link, whose address is its own.
      const theirs = [...new Set(read[index])].filter((href) => href !== '')
      assert.deepEqual(
        ours.filter((href) => href !== ''),
        theirs,
        JSON.stringify(text),
      )
      links += ours.length
    }
    assert.ok(links > 4_000, `${links} links in all`)
  })
})
