import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { linksOf, linkSigning, linkKey, pathOf, testEdge } from '../../support/builders/edge.ts'

/** What nobody may ever read in an answer. */
const secret = 'SENSITIVE'
const runs = 4_000

const anyText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    "' or 1=1 --",
    '{{ 7 | times: 7 }}',
    '<script>',
    '../../etc/passwd',
    '%00',
    '\r\nset-cookie: a=b',
    '__proto__',
    `Bearer ${secret}`,
  ),
)
/** Signed by us, and so shown to whoever has the link. */
const category = fc.oneof(
  fc.constant('weekly-offers'),
  anyText.filter((text) => text !== '' && !text.includes(secret)),
)

/** Links of ours about anybody and anything, forged ones among them. */
const link = fc
  .record({
    userId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    category: category.map((text) => text.toWellFormed()),
    key: fc.constantFrom(1, 1, 1, 7),
    kind: fc.constantFrom('openPixel', 'click', 'unsubscribe', 'preferences'),
    url: fc.oneof(fc.webUrl(), anyText),
  })
  .map(({ userId, category: name, key, kind, url }) => {
    const links = linksOf({ userId, category: name }, linkSigning(linkKey(key)))
    if (kind === 'click') return pathOf(links.click(1, url.toWellFormed()))
    return pathOf(links[kind as 'openPixel' | 'unsubscribe' | 'preferences']())
  })

const path = fc.oneof(
  { weight: 5, arbitrary: link },
  { weight: 1, arbitrary: fc.constant('/v1/feedback') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('/o/', '/c/', '/u/', '/p/', '/v1/', '/assets/', '/'), anyText)
      .map(([prefix, text]) => prefix + encodeURIComponent(text.toWellFormed())),
  },
)

const form = fc
  .array(
    fc.tuple(
      fc.constantFrom('do', 'on', 'shown', 'quiet', 'quiet_from', 'quiet_until', 'locale', 'time_zone', 'x'),
      fc.oneof(
        fc.constantFrom('save', 'all-off', 'on', '22:00', 'ko', 'Asia/Seoul', '', 'channel:sms', 'weekly-offers'),
        anyText,
      ),
    ),
    { maxLength: 12 },
  )
  .map((fields) =>
    new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value.toWellFormed()])).toString(),
  )
const soundForm = 'on=channel%3Apush&shown=weekly-offers&locale=ko&time_zone=Asia%2FSeoul&do=save'
const report = fc
  .array(
    fc.record({
      token: fc.oneof(fc.constant(linksOf().appFeedbackToken()), anyText),
      kind: fc.constantFrom('delivered', 'opened', 'session_started', 'clicked'),
    }),
    { maxLength: 4 },
  )
  .map((reports) => JSON.stringify({ reports }))

const request = fc.record({
  url: path,
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'),
  payload: fc.oneof(fc.constant(soundForm), form, report, anyText),
  headers: fc.record({
    'content-type': fc.constantFrom(
      'application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded',
      'application/json',
      'multipart/form-data; boundary=b',
      'text/plain',
      'x',
    ),
    'user-agent': fc.constantFrom('Mozilla/5.0', 'curl/8', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0'),
    'accept-language': fc.constantFrom('en', 'ko;q=0.5, en;q=0.1', ';;;,,,q=', 'x'.repeat(500)),
    authorization: fc.constant(`Bearer ${secret}`),
    cookie: fc.constant(`session=${secret}`),
  }),
})

const browser = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0', 'accept-language': 'en' }
/** As people, mail programs and apps send them. */
const sound = fc.oneof(
  link.map((url) => ({ url, method: 'GET', payload: '', headers: browser })),
  fc.constantFrom(linksOf().unsubscribe(), linksOf().preferences()).map((url) => ({
    url: pathOf(url),
    method: 'POST',
    payload: soundForm,
    headers: { ...browser, 'content-type': 'application/x-www-form-urlencoded' },
  })),
  fc.constantFrom('delivered', 'opened', 'session_started').map((kind) => ({
    url: '/v1/feedback',
    method: 'POST',
    payload: JSON.stringify({ reports: [{ token: linksOf().appFeedbackToken(), kind }] }),
    headers: { 'content-type': 'application/json' },
  })),
)

describe('whatever is sent to the edge', () => {
  test('is answered without a fault of ours, and tells nothing that it should not', { timeout: 120_000 }, async () => {
    const edge = await testEdge()
    const seen = new Set<string>()
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(sound, request), async ({ method, payload, ...rest }) => {
        const hasBody = method === 'POST' || method === 'PUT' || method === 'DELETE'
        const answer = await edge.server.inject({ method: method as 'GET', ...rest, ...(hasBody ? { payload } : {}) })
        assert.ok(answer.statusCode < 500, `${answer.statusCode}`)
        assert.ok(!answer.body.includes(secret) && !/\bat .+\.ts:\d+/.test(answer.body))
        assert.equal(answer.headers['set-cookie'], undefined)
        if (answer.statusCode < 400) {
          accepted += 1
          seen.add(`${method} ${rest.url.slice(0, 3)} ${answer.statusCode}`)
        }
      }),
      { numRuns: runs },
    )
    assert.ok(accepted > runs * 0.3, `${accepted} of ${runs} were accepted`)
    const reached = [
      'GET /o/ 200',
      'GET /c/ 302',
      'GET /u/ 200',
      'POST /u/ 200',
      'GET /p/ 200',
      'POST /p/ 303',
      'POST /v1 202',
    ]
    for (const success of reached) assert.ok(seen.has(success), `${success} was not reached`)
  })

  test('is told that something is away, and no more, while the database is', async () => {
    const away = () => Promise.reject(new DependencyUnavailable('postgres', secret))
    const edge = await testEdge({ people: { load: away, optOutOfCategory: away, save: away } })
    const pages = [linksOf().unsubscribe(), linksOf().preferences()].map(pathOf)
    for (const url of pages) {
      for (const method of ['GET', 'POST'] as const) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        const answer = await edge.server.inject({
          method,
          url,
          ...(method === 'POST' ? { payload: soundForm, headers } : {}),
        })
        assert.equal(answer.statusCode, 503)
        assert.ok(!answer.body.includes(secret))
      }
    }
  })
})
