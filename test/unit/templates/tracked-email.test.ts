import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { findLinks } from '../../../src/services/templates/anchor-hrefs.ts'
import { decodedHref, trackedEmail, type TrackingLinks } from '../../../src/services/templates/tracked-email.ts'

const edgeUrl = 'https://links.example.com'
const pixel =
  '<img src="https://links.example.com/o/t" alt="" width="1" height="1" style="display:block;width:1px;height:1px;border:0">'

/** A click link that shows what it leads to. */
const links: TrackingLinks = {
  edgeUrl,
  openPixel: () => `${edgeUrl}/o/t`,
  click: (index, url) => `${edgeUrl}/c/${index}/${Buffer.from(url).toString('base64url')}`,
}

const tracked = (html: string) => trackedEmail(html, links)
const leadingTo = (url: string, index = 1) => links.click(index, url)

/** The targets of the links of a tracked email, in order. */
function targetsOf(html: string): string[] {
  return findLinks(html).hrefs.flatMap(({ start, end }) => {
    const [, encoded] = /^https:\/\/links\.example\.com\/c\/\d+\/(.*)$/.exec(html.slice(start, end)) ?? []
    return encoded === undefined ? [] : [Buffer.from(encoded, 'base64url').toString()]
  })
}

describe('a tracked email', () => {
  test('leads through the edge and says that it was opened, and is else what it was', () => {
    assert.equal(
      tracked(
        '<!doctype html><body>\n <a  class=x href="https://shop.example.com/a?b=1&amp;c=2" >Shop</a></body></html>\n',
      ),
      `<!doctype html><body>\n <a  class=x href="${leadingTo('https://shop.example.com/a?b=1&c=2')}" >Shop</a>${pixel}</body></html>\n`,
    )
  })

  test('counts its links in their order', () => {
    const html = tracked(
      '<a href="https://a.example/">a</a><a href="mailto:x@a.example">m</a><a href="https://b.example/">b</a>',
    )
    assert.ok(html.includes(leadingTo('https://a.example/', 1)) && html.includes(leadingTo('https://b.example/', 2)))
  })

  test('leaves alone what leads to no web page, and what leads to the edge already', () => {
    const alone = [
      'mailto:help@example.com',
      'tel:+15005550001',
      'sms:+15005550001',
      '#top',
      '',
      '/items',
      'items.html',
      '//shop.example.com/',
      'javascript:alert(1)',
      'shop-app://items/1',
      'https://links.example.com/u/token',
      'https://links.example.com/p/token',
      'HTTPS://LINKS.example.com/p/token',
      'https://user:secret@shop.example.com/',
      `https://shop.example.com/${'x'.repeat(2_000)}`,
    ]
    for (const url of alone) {
      const html = `<body><a href="${url}">x</a></body>`
      assert.equal(tracked(html), `<body><a href="${url}">x</a>${pixel}</body>`, url)
    }
    assert.deepEqual(targetsOf(tracked('<a href="https://links.example.com.evil.example/">x</a>')), [
      'https://links.example.com.evil.example/',
    ])
  })

  test('leaves alone what its author wants to be left alone', () => {
    const html = '<a clicktracking="off" href="https://shop.example.com/reset?code=1">x</a>'
    assert.equal(tracked(html), `${html}${pixel}`)
    assert.deepEqual(targetsOf(tracked(html.replace('off', 'on'))), ['https://shop.example.com/reset?code=1'])
  })

  test('has its pixel at the end of its body, wherever that is written', () => {
    assert.equal(tracked('<p>x'), `<p>x${pixel}`)
    assert.equal(tracked('<body>x</BODY\n></html>'), `<body>x${pixel}</BODY\n></html>`)
    assert.equal(tracked('<!-- </body> --><body>x</body>'), `<!-- </body> --><body>x${pixel}</body>`)
    assert.equal(tracked('<title></body></title>x'), `<title></body></title>x${pixel}`)
  })

  const notLinks = [
    '<!-- <a href="https://a.example/">x</a> -->',
    '<!--[if mso]><a href="https://a.example/">x</a><![endif]-->',
    '<!--[if mso]><v:roundrect href="https://a.example/"></v:roundrect><![endif]-->',
    '<style>a::after { content: \'<a href="https://a.example/">\' }</style>',
    '<STYLE><a href="https://a.example/"></Style\n>',
    '<title><a href="https://a.example/"></title>',
    '<textarea><a href="https://a.example/"></textarea>',
    '<img alt="<a href=\'https://a.example/\'>">',
    '<link href="https://a.example/">',
    '<abbr href="https://a.example/">x</abbr>',
    '<a data-href="https://a.example/">x</a>',
    '<a title="href=https://a.example/">x</a>',
    '<a>href="https://a.example/"</a>',
    '</a href="https://a.example/">',
    '< a href="https://a.example/">x',
    '<a href="https://a.example/"',
    '<a href="https://a.example/>x',
    '<!a href="https://a.example/">',
    '<?a href="https://a.example/">',
    '<a name="x" href>x</a>',
  ]
  for (const html of notLinks) {
    test(`has no link in ${html}`, () => assert.equal(tracked(html).replace(pixel, ''), html))
  }

  const linksInHtml = {
    'in single quotation marks': `<a href='https://a.example/'>x</a>`,
    'without quotation marks': '<a href=https://a.example/>x</a>',
    'in capitals': '<A HREF="https://a.example/">x</A>',
    'over several lines': '<a\n\thref\n=\n"https://a.example/"\n>x</a>',
    'after a slash': '<a/href="https://a.example/">x</a>',
    'next to another attribute': '<a class="y"href="https://a.example/">x</a>',
    'after one that has none of its value': '<a download href="https://a.example/">x</a>',
    'before another one of its name': '<a href="https://a.example/" href="https://b.example/">x</a>',
    'with blanks around its address': '<a href=" https://a.example/\n">x</a>',
    'after a greater-than sign in a value': '<a title="a > b" href="https://a.example/">x</a>',
    'after an empty comment': '<!--><a href="https://a.example/">x</a>',
    'after a comment of three hyphens': '<!---><a href="https://a.example/">x</a>',
    'after a comment that ends with an exclamation mark': '<!-- x --!><a href="https://a.example/">x</a>',
    'that only others than Outlook see': '<!--[if !mso]><!--><a href="https://a.example/">x</a><!--<![endif]-->',
    'after a less-than sign that is text': 'a < b <3 <a href="https://a.example/">x</a>',
    'after a doctype': '<!doctype html><a href="https://a.example/">x</a>',
    'after a style': '<style>a > b { color: red }</style><a href="https://a.example/">x</a>',
    'after a style that mentions its end': '<style>/* </stylex> */</style><a href="https://a.example/">x</a>',
  }
  for (const [name, html] of Object.entries(linksInHtml)) {
    test(`has a link ${name}`, () => assert.deepEqual(targetsOf(tracked(html)), ['https://a.example/']))
  }

  test('changes no byte but its links and the pixel, whatever the document is made of', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...notLinks,
        ...Object.values(linksInHtml),
        '<',
        '>',
        '"',
        "'",
        '<!--',
        '-->',
        '</',
        '<a',
        ' href=',
        '<style>',
        '</style>',
        '</body>',
        '&amp;',
        '&',
        '\n',
        '<p>가 ü</p>',
      ),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const html = pieces.join('')
        const without = tracked(html).replace(pixel, '')
        const spans = findLinks(html).hrefs
        // What stands between the links is the same, in the same order.
        let rest = without
        let at = 0
        for (const { start, end } of spans) {
          assert.equal(rest.slice(0, start - at), html.slice(at, start))
          rest = rest.slice(start - at)
          const value = html.slice(start, end)
          const [written = ''] = rest.startsWith(`${edgeUrl}/c/`) ? (/^[\w:/.-]+/.exec(rest) ?? []) : [value]
          rest = rest.slice(written.length)
          at = end
        }
        assert.equal(rest, html.slice(at))
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('the address in a link', () => {
  test('is read as a browser reads it', () => {
    const read = {
      'https://a.example/?a=1&amp;b=2': 'https://a.example/?a=1&b=2',
      'https://a.example/?a=1&b=2': 'https://a.example/?a=1&b=2',
      'https://a.example/?a=1&copy=2': 'https://a.example/?a=1&copy=2',
      'https://a.example/?a=1&#38;b=2': 'https://a.example/?a=1&b=2',
      'https://a.example/?a=1&#x26;b=2': 'https://a.example/?a=1&b=2',
      'https://a.example/?a=1&#X26;b=2': 'https://a.example/?a=1&b=2',
      'https://a.example/&lt;&gt;&quot;&apos;&#39;&#34;': `https://a.example/<>"''"`,
      'https://a.example/?a&': 'https://a.example/?a&',
      'https://a.example/?&&=1': 'https://a.example/?&&=1',
      'https://a.example/?a=&1': 'https://a.example/?a=&1',
      'https://a.example/&#xAC00;': 'https://a.example/가',
      'https://a.example/&amp;amp;': 'https://a.example/&amp;',
    }
    for (const [written, meant] of Object.entries(read)) assert.equal(decodedHref(written), meant, written)
  })

  test('is left alone where reading it needs more than that', () => {
    const unclear = [
      '&copy;',
      '&eacute;',
      '&a;',
      '?a&copy',
      '?a&copy&b',
      '&#0;',
      '&#128;',
      '&#xD800;',
      '&#x110000;',
      '&#',
      '&#;',
      '&#38',
      '&#x26',
    ]
    for (const written of unclear) assert.equal(decodedHref(`https://a.example/${written}`), undefined, written)
  })
})
