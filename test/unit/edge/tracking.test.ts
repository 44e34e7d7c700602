import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linkAgeLimitMs } from '../../../src/domain/signed-link.ts'
import {
  deliveryIdAt,
  edgeNowMs,
  linkKey,
  linkSigning,
  linksOf,
  pathOf,
  testEdge,
} from '../../support/builders/edge.ts'

const person = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0',
  'accept-language': 'en',
}
const shop = 'https://shop.example.com/offers?week=41'

describe('the open pixel', () => {
  test('is a picture that nobody keeps, and tells that the message was opened', async () => {
    const { server, offered } = await testEdge()
    const answer = await server.inject({ url: pathOf(linksOf().openPixel()), headers: person })
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], 'image/gif')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.rawPayload.subarray(0, 6).toString(), 'GIF89a')
    const [report] = offered
    assert.deepEqual([report?.kind, report?.automatic, report?.provider], ['opened', false, null])
    assert.equal(report?.deliveryId, deliveryIdAt(edgeNowMs - 60_000))
  })

  test('tells the same event however often it is fetched, and a machine’s apart from a person’s', async () => {
    const { server, offered } = await testEdge()
    const url = pathOf(linksOf().openPixel())
    for (const headers of [person, person, { 'user-agent': 'Mozilla/5.0' }]) await server.inject({ url, headers })
    await server.inject({ url, method: 'HEAD', headers: person })
    assert.deepEqual(
      offered.map(({ automatic }) => automatic),
      [false, false, true, true],
    )
    assert.equal(new Set(offered.map(({ feedbackId }) => feedbackId)).size, 2)
  })

  test('comes for a mail that is too old, and tells nothing', async () => {
    const { server, offered, observed } = await testEdge()
    const deliveryId = deliveryIdAt(edgeNowMs - linkAgeLimitMs.open - 1)
    const answer = await server.inject({ url: pathOf(linksOf({ deliveryId }).openPixel()), headers: person })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual([offered, observed], [[], [{ kind: 'link', link: 'open', outcome: 'expired' }]])
  })

  test('comes for nobody who made the link themselves', async () => {
    const { server, offered } = await testEdge()
    for (const path of [
      '/o/x',
      '/o/',
      `${pathOf(linksOf().openPixel())}A`,
      pathOf(linksOf({}, linkSigning(linkKey(7))).openPixel()),
    ]) {
      const answer = await server.inject({ url: path, headers: person })
      assert.equal(answer.statusCode, 404, path)
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
    }
    assert.deepEqual(offered, [])
  })
})

describe('a click', () => {
  test('leads where the message said, kept by nobody, and tells which link it was', async () => {
    const { server, offered } = await testEdge()
    const answer = await server.inject({ url: pathOf(linksOf().click(3, shop)), headers: person })
    assert.equal(answer.statusCode, 302)
    assert.equal(answer.headers.location, shop)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers['referrer-policy'], 'no-referrer')
    const [report] = offered
    assert.deepEqual([report?.kind, report?.linkId, report?.automatic], ['clicked', '3', false])
  })

  test('follows a link as long as a link may be', async () => {
    const long = `https://shop.example.com/${'x'.repeat(1_970)}`
    const { server } = await testEdge()
    const answer = await server.inject({ url: pathOf(linksOf().click(1, long)), headers: person })
    assert.equal(answer.headers.location, long)
  })

  test('leads on when nobody can take the report', async () => {
    const { server } = await testEdge({ feedback: { offer: () => 'dropped' } })
    const answer = await server.inject({ url: pathOf(linksOf().click(1, shop)), headers: person })
    assert.equal(answer.headers.location, shop)
  })

  test('of a scanner leads on, and is marked', async () => {
    const { server, offered } = await testEdge()
    await server.inject({ url: pathOf(linksOf().click(1, shop)), method: 'HEAD', headers: person })
    assert.equal(offered[0]?.automatic, true)
  })

  test('leads nowhere that was not in a message of ours', async () => {
    const { server, offered } = await testEdge()
    const good = pathOf(linksOf().click(1, shop))
    const evil = Buffer.from('https://evil.example.com/').toString('base64url')
    const paths = [
      `${good.slice(0, good.lastIndexOf('/'))}/${evil}`,
      good.slice(0, good.lastIndexOf('/')),
      `${good}?url=https://evil.example.com/`.replace('/c/', '/c/x'),
      `/c/${evil}/${evil}`,
      `${good}/${evil}`,
      pathOf(linksOf({}, linkSigning(linkKey(7))).click(1, 'https://evil.example.com/')),
      // Signed, as if by mistake: a redirect goes to the web and nowhere else.
      pathOf(linksOf().click(1, 'javascript:alert(1)')),
      pathOf(linksOf().click(1, '//evil.example.com/')),
    ]
    for (const url of paths) {
      const answer = await server.inject({ url, headers: person })
      assert.equal(answer.statusCode, 404, url)
      assert.equal(answer.headers.location, undefined)
    }
    assert.deepEqual(offered, [])
  })

  test('of a mail that is too old is told so, in the reader’s language', async () => {
    const { server } = await testEdge()
    const deliveryId = deliveryIdAt(edgeNowMs - linkAgeLimitMs.click - 1)
    const url = pathOf(linksOf({ deliveryId }).click(1, shop))
    const answer = await server.inject({ url, headers: { ...person, 'accept-language': 'de, ko;q=0.8' } })
    assert.equal(answer.statusCode, 410)
    assert.match(answer.body, /<html lang="ko">[\s\S]*만료된 링크입니다/)
  })
})
