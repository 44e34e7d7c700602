import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { followableUrl } from '../../../src/domain/message-links.ts'
import { edgeUrl, linksOf } from '../../support/builders/edge.ts'

describe('a click leads', () => {
  test('where a browser would go, written in ASCII', () => {
    const same = [
      'https://shop.example.com/',
      'http://shop.example.com:8080/a/b?c=d&e=f#g',
      'https://shop.example.com/%C3%BC?a=%26',
    ]
    for (const url of same) assert.equal(followableUrl(url), url)
    assert.equal(
      followableUrl('https://shop.example.com/ü ü?ü=ü#ü'),
      'https://shop.example.com/%C3%BC%20%C3%BC?%C3%BC=%C3%BC#%C3%BC',
    )
    assert.equal(followableUrl('HTTPS://Bücher.example'), 'https://xn--bcher-kva.example/')
    assert.equal(followableUrl(' https://shop.example.com/\n'), 'https://shop.example.com/')
  })

  test('to the web only, with no password, and not for ever long', () => {
    const refused = [
      'javascript:alert(1)',
      'data:text/html,x',
      'mailto:a@example.com',
      'tel:+15005550001',
      'ftp://example.com/',
      '//shop.example.com/',
      '/items',
      '#top',
      '',
      'https://',
      'https://user:password@shop.example.com/',
      'https://user@shop.example.com/',
      `https://shop.example.com/${'x'.repeat(2_000)}`,
    ]
    for (const url of refused) assert.equal(followableUrl(url), undefined, url)
  })
})

test('the links of a delivery lie under the edge, each kind under its own path', () => {
  const links = linksOf()
  assert.match(links.openPixel(), new RegExp(`^${edgeUrl}/o/[\\w-]{46}$`))
  assert.match(links.click(1, 'https://shop.example.com/'), new RegExp(`^${edgeUrl}/c/[\\w-]{48}/[\\w-]+$`))
  assert.match(links.unsubscribe(), new RegExp(`^${edgeUrl}/u/[\\w-]+$`))
  assert.match(links.preferences(), new RegExp(`^${edgeUrl}/p/[\\w-]{55}$`))
  assert.match(links.appFeedbackToken(), /^[\w-]{46}$/)
})
