import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { linkAgeLimitMs } from '../../../src/domain/signed-link.ts'
import type { PersonPreferences } from '../../../src/services/edge/ports.ts'
import {
  deliveryIdAt,
  edgeNowMs,
  linksOf,
  linkSigning,
  linkKey,
  pathOf,
  preferences,
  testEdge,
} from '../../support/builders/edge.ts'

const path = pathOf(linksOf().unsubscribe())
const oneClick = 'List-Unsubscribe=One-Click'
const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }
const unavailable = () => Promise.reject(new DependencyUnavailable('postgres', '57P03'))
const people = (choices: Partial<PersonPreferences>): PersonPreferences => ({
  load: () => Promise.resolve(preferences()),
  optOutOfCategory: () => Promise.resolve({ version: 1 }),
  save: () => Promise.resolve({ version: 1 }),
  ...choices,
})

describe('one-click unsubscription', () => {
  test('commits, tells the cache, then the status topic, then answers', async () => {
    const order: string[] = []
    const { server } = await testEdge({
      people: people({
        optOutOfCategory: async (optOut) => {
          await Promise.resolve()
          order.push(`commit ${JSON.stringify(optOut)}`)
          return { version: 7 }
        },
      }),
      forgetProfile: async (userId, version) => void order.push(`forget ${userId} below ${version}`),
      feedback: {
        offer: ({ kind, category, provider }) => {
          order.push(`offer ${kind} ${category} ${provider}`)
          return 'taken'
        },
      },
    })
    const answer = await server.inject({ method: 'POST', url: path, payload: oneClick, headers: urlencoded })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(order, [
      'commit {"userId":17,"category":"weekly-offers","channel":"email"}',
      'forget 17 below 7',
      'offer unsubscribed weekly-offers null',
    ])
  })

  const bodies: Record<string, { payload?: string; headers?: Record<string, string> }> = {
    'as a form': { payload: oneClick, headers: urlencoded },
    'as RFC 8058 asks for it': {
      payload: '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
    },
    'garbled on its way': { payload: '\0{"', headers: { 'content-type': 'application/json' } },
    'without a type': { payload: oneClick },
    'without a body': {},
  }
  for (const [name, request] of Object.entries(bodies)) {
    test(`is taken ${name}`, async () => {
      const { server, optedOut } = await testEdge()
      const answer = await server.inject({ method: 'POST', url: path, ...request })
      assert.equal(answer.statusCode, 200)
      assert.equal(optedOut.length, 1)
      assert.equal(answer.headers['set-cookie'], undefined)
    })
  }

  test('never happens by looking: a scanner that follows every link leaves nothing', async () => {
    const { server, optedOut, saved, offered } = await testEdge()
    for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) await server.inject({ method, url: path })
    const answer = await server.inject({ url: path })
    assert.match(answer.body, /<form method="post" action="">/)
    assert.deepEqual([optedOut, saved, offered], [[], [], []])
  })

  test('asks by the name that the person knows, in their own language', async () => {
    const { server } = await testEdge({
      people: people({ load: () => Promise.resolve(preferences({ locale: 'ko-KR' })) }),
    })
    const answer = await server.inject({ url: path, headers: { 'accept-language': 'en' } })
    assert.match(answer.body, /<html lang="ko">[\s\S]*‘주간 추천’ 이메일을 그만 받으시겠어요\?/)
  })

  test('is refused without a link of ours, whatever it says', async () => {
    const { server, optedOut } = await testEdge()
    const forged = [
      '/u/',
      '/u/x',
      `${path}A`,
      pathOf(linksOf({}, linkSigning(linkKey(7))).unsubscribe()),
      pathOf(linksOf().preferences()).replace('/p/', '/u/'),
    ]
    for (const url of forged) {
      const answer = await server.inject({ method: 'POST', url, payload: oneClick, headers: urlencoded })
      assert.equal(answer.statusCode, 404, url)
    }
    const deliveryId = deliveryIdAt(edgeNowMs - linkAgeLimitMs.unsubscribe - 1)
    const old = await server.inject({ method: 'POST', url: pathOf(linksOf({ deliveryId }).unsubscribe()) })
    assert.equal(old.statusCode, 410)
    assert.deepEqual(optedOut, [])
  })

  test('takes a category with the longest name that a request may have', async () => {
    const { server, optedOut } = await testEdge()
    const category = '소'.repeat(128)
    const answer = await server.inject({ method: 'POST', url: pathOf(linksOf({ category }).unsubscribe()) })
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(optedOut, [{ userId: 17, category, channel: 'email' }])
  })

  test('shows markup in a category’s name as text', async () => {
    const category = '<img src=x onerror=alert(1)>"'
    const { server } = await testEdge()
    const { body } = await server.inject({ url: pathOf(linksOf({ category }).unsubscribe()) })
    assert.ok(!body.includes('<img') && body.includes('&#60;img src=x onerror=alert(1)&#62;&#34;'))
  })

  test('says that it may have failed where the database is away, and succeeds where only its words are', async () => {
    const down = await testEdge({ people: people({ optOutOfCategory: unavailable }) })
    const failed = await down.server.inject({ method: 'POST', url: path })
    assert.equal(failed.statusCode, 503)
    assert.ok(failed.headers['retry-after'])
    assert.match(failed.body, /Please try again/)
    assert.deepEqual([down.offered, down.forgotten], [[], []])
    const wordless = await testEdge({ people: people({ load: unavailable }) })
    const done = await wordless.server.inject({ method: 'POST', url: path })
    assert.equal(done.statusCode, 200)
    assert.match(done.body, /Weekly offers/)
  })

  test('is done for whoever is not there any more, and tells nothing', async () => {
    const nobody = people({
      load: () => Promise.resolve(undefined),
      optOutOfCategory: () => Promise.resolve(undefined),
    })
    const { server, offered } = await testEdge({ people: nobody })
    assert.equal((await server.inject({ method: 'POST', url: path })).statusCode, 200)
    assert.equal((await server.inject({ url: path })).statusCode, 404)
    assert.deepEqual(offered, [])
  })

  test('takes no body that nobody would send', async () => {
    const { server, optedOut } = await testEdge()
    const answer = await server.inject({ method: 'POST', url: path, payload: 'x'.repeat(20_000) })
    assert.equal(answer.statusCode, 413)
    assert.deepEqual(optedOut, [])
  })

  test('offers the whole page only for as long as its link would be good', async () => {
    const { server } = await testEdge()
    assert.match((await server.inject({ url: path })).body, /href="\.\.\/p\//)
    const deliveryId = deliveryIdAt(edgeNowMs - linkAgeLimitMs.preferences - 1)
    const old = await server.inject({ url: pathOf(linksOf({ deliveryId }).unsubscribe()) })
    assert.equal(old.statusCode, 200)
    assert.doesNotMatch(old.body, /href="\.\.\/p\//)
  })
})
