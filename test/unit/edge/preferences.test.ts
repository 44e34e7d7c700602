import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { PreferenceChanges } from '../../../src/domain/preferences.ts'
import { linkAgeLimitMs } from '../../../src/domain/signed-link.ts'
import { uuidV7 } from '../../../src/domain/uuid-v7.ts'
import type { PersonPreferences } from '../../../src/services/edge/ports.ts'
import {
  deliveryIdAt,
  edgeNowMs,
  linkKey,
  linksOf,
  linkSigning,
  pathOf,
  preferences,
  testEdge,
  type TestEdge,
} from '../../support/builders/edge.ts'

const path = pathOf(linksOf().preferences())
const people = (choices: Partial<PersonPreferences>): PersonPreferences => ({
  load: () => Promise.resolve(preferences()),
  optOutOfCategory: () => Promise.resolve({ version: 1 }),
  save: () => Promise.resolve({ version: 1 }),
  ...choices,
})

/** The page's form as a browser sends it when nothing was changed. */
const asShown: readonly [string, string][] = [
  ['on', 'channel:push'],
  ['on', 'channel:sms'],
  ['on', 'channel:email'],
  ['shown', 'weekly-offers'],
  ['on', 'category:push:weekly-offers'],
  ['on', 'category:sms:weekly-offers'],
  ['on', 'category:email:weekly-offers'],
  ['quiet_from', '22:00'],
  ['quiet_until', '08:00'],
  ['locale', 'en'],
  ['time_zone', 'Europe/Berlin'],
  ['do', 'save'],
]

function formWith(changes: { without?: readonly string[]; with?: readonly [string, string][] } = {}): string {
  const { without = [], with: added = [] } = changes
  const replaced = new Set(added.map(([name]) => name).filter((name) => name !== 'on' && name !== 'shown'))
  const kept = asShown.filter(
    ([name, value]) => !without.includes(value) && !without.includes(name) && !replaced.has(name),
  )
  return new URLSearchParams([...kept, ...added].map(([name, value]): [string, string] => [name, value])).toString()
}

/** What a page says, without its line breaks. */
const inOneLine = (body: string) => body.replaceAll(/\s+/g, ' ').replaceAll(' />', '>').replaceAll(' >', '>')

function post({ server }: Pick<TestEdge, 'server'>, payload: string, url = path) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return server.inject({ method: 'POST', url, payload, headers })
}

describe('the preference page', () => {
  test('shows what holds, with what nobody can leave locked', async () => {
    const shown = preferences({
      channelOptIns: { push: true, sms: false, email: true },
      quietHours: { fromMinute: 1_350, untilMinute: 420 },
    })
    const { server } = await testEdge({ people: people({ load: () => Promise.resolve(shown) }) })
    const { body: page, headers, statusCode } = await server.inject({ url: path })
    const body = inOneLine(page)
    assert.equal(statusCode, 200)
    assert.equal(headers['cache-control'], 'no-store')
    assert.match(body, /value="channel:push" aria-labelledby="push" aria-describedby="push-hint" checked>/)
    assert.match(body, /value="channel:sms" aria-labelledby="sms" aria-describedby="sms-hint">/)
    assert.match(body, /value="category:email:login-code" aria-label="Login codes: Email" checked disabled>/)
    assert.match(body, /value="category:email:weekly-offers" aria-label="Weekly offers: Email" checked>/)
    assert.doesNotMatch(body, /name="shown" value="login-code"/)
    assert.match(body, /name="quiet" value="on" aria-labelledby="quiet" aria-describedby="quiet-hint" checked>/)
    assert.match(body, /name="quiet_from" value="22:30"/)
    assert.match(body, /<option value="Europe\/Berlin" selected>Berlin<\/option>/)
    assert.match(body, /<option value="en" selected>English<\/option><option value="ko">한국어<\/option>/)
  })

  test('speaks the person’s language, else the browser’s, else English', async () => {
    const inLanguage = async (locale: string | null, accepted: string) => {
      const { server } = await testEdge({ people: people({ load: () => Promise.resolve(preferences({ locale })) }) })
      const { body } = await server.inject({ url: path, headers: { 'accept-language': accepted } })
      return /<html lang="(\w+)">/.exec(body)?.[1]
    }
    assert.equal(await inLanguage('ko-KR', 'en'), 'ko')
    assert.equal(await inLanguage('fr', 'de;q=0.9, ko;q=0.8, en;q=0.7'), 'ko')
    assert.equal(await inLanguage(null, 'fr'), 'en')
  })

  test('keeps a language and a zone that it does not offer, until the person chooses', async () => {
    const shown = preferences({ locale: 'pt-BR', timeZone: 'UTC' })
    const { server } = await testEdge({ people: people({ load: () => Promise.resolve(shown) }) })
    const body = inOneLine((await server.inject({ url: path })).body)
    assert.match(body, /<option value="pt-BR" selected>/)
    assert.match(body, /<option value="UTC" selected>UTC<\/option>/)
  })

  test('may not be kept, framed, followed or made to load anything from elsewhere', async () => {
    const { server } = await testEdge()
    const { headers, body } = await server.inject({ url: path })
    const policy = String(headers['content-security-policy'])
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "form-action 'self'",
      "base-uri 'none'",
    ]) {
      assert.ok(policy.includes(rule), rule)
    }
    assert.ok(!policy.includes('unsafe'))
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['x-frame-options'], 'DENY')
    assert.equal(headers['set-cookie'], undefined)
    assert.doesNotMatch(body, /<script(?! src="\.\.\/assets\/)|style=|\son\w+=|https?:/)
    for (const [, asset] of body.matchAll(/(?:href|src)="\.\.(\/assets\/[^"]+)"/g)) {
      assert.equal((await server.inject({ url: asset! })).statusCode, 200)
    }
  })

  test('is for nobody without a link of ours, and closes with its age', async () => {
    const { server, saved } = await testEdge()
    const forged = [
      '/p/x',
      `${path}A`,
      pathOf(linksOf({}, linkSigning(linkKey(7))).preferences()),
      pathOf(linksOf().unsubscribe()).replace('/u/', '/p/'),
    ]
    for (const url of forged) {
      assert.equal((await server.inject({ url })).statusCode, 404)
      assert.equal((await post({ server }, formWith(), url)).statusCode, 404)
    }
    const deliveryId = deliveryIdAt(edgeNowMs - linkAgeLimitMs.preferences - 1)
    assert.equal((await server.inject({ url: pathOf(linksOf({ deliveryId }).preferences()) })).statusCode, 410)
    assert.deepEqual(saved, [])
  })

  test('says that there is nobody, and that the database is away', async () => {
    const nobody = await testEdge({ people: people({ load: () => Promise.resolve(undefined) }) })
    assert.equal((await nobody.server.inject({ url: path })).statusCode, 404)
    const load = () => Promise.reject(new DependencyUnavailable('postgres', '57P03'))
    const down = await testEdge({ people: people({ load }) })
    const answer = await down.server.inject({ url: path })
    assert.equal(answer.statusCode, 503)
    assert.match(String(answer.headers['content-type']), /text\/html/)
  })

  test('shows what a company wrote as text', async () => {
    const titles = { en: '<script>alert(1)</script>' }
    const categories = [{ ...preferences().categories[1]!, name: '"><b>', titles }]
    const { server } = await testEdge({ people: people({ load: () => Promise.resolve(preferences({ categories })) }) })
    const { body } = await server.inject({ url: path })
    assert.ok(!body.includes('<script>') && !body.includes('"><b>'))
    assert.match(body, /&#60;script&#62;alert\(1\)&#60;\/script&#62;/)
  })
})

describe('saving preferences', () => {
  test('writes nothing where nothing was changed', async () => {
    const edge = await testEdge()
    const answer = await post(edge, formWith())
    assert.equal(answer.statusCode, 303)
    assert.equal(answer.headers.location, '?saved=1')
    assert.deepEqual([edge.saved, edge.offered, edge.forgotten], [[], [], []])
    assert.match(
      (await edge.server.inject({ url: `${path}?saved=1` })).body,
      /role="status">Your preferences are saved/,
    )
  })

  test('writes what was changed, tells the cache, and tells what was left once for each', async () => {
    const edge = await testEdge()
    const changes = {
      without: ['channel:sms', 'category:push:weekly-offers', 'category:email:weekly-offers'],
      with: [
        ['quiet', 'on'],
        ['quiet_from', '23:15'],
        ['quiet_until', '07:00:00'],
        ['locale', 'ko'],
        ['time_zone', 'Asia/Seoul'],
      ] as [string, string][],
    }
    assert.equal((await post(edge, formWith(changes))).statusCode, 303)
    assert.deepEqual(edge.saved, [
      {
        userId: 17,
        changes: {
          channelOptIns: [{ channel: 'sms', optIn: false }],
          categoryOptIns: [
            { category: 'weekly-offers', channel: 'push', optIn: false },
            { category: 'weekly-offers', channel: 'email', optIn: false },
          ],
          person: { locale: 'ko', timeZone: 'Asia/Seoul', quietHours: { fromMinute: 1_395, untilMinute: 420 } },
        },
      },
    ])
    assert.deepEqual(edge.forgotten, [[17, 5]])
    assert.deepEqual(
      edge.offered.map(({ kind, category }) => [kind, category]),
      [
        ['unsubscribed', null],
        ['unsubscribed', 'weekly-offers'],
      ],
    )
    assert.equal(new Set(edge.offered.map(({ feedbackId }) => feedbackId)).size, 2)
  })

  test('that switches something on again tells nothing', async () => {
    const categories = preferences().categories.map((each) => ({ ...each, optIns: { ...each.optIns, email: false } }))
    const off = preferences({ channelOptIns: { push: false, sms: true, email: true }, categories })
    const saved: PreferenceChanges[] = []
    const save: PersonPreferences['save'] = (_userId, changes) => {
      saved.push(changes)
      return Promise.resolve({ version: 1 })
    }
    const edge = await testEdge({ people: people({ load: () => Promise.resolve(off), save }) })
    await post(edge, formWith())
    assert.deepEqual(
      saved.map(({ channelOptIns, categoryOptIns }) => [channelOptIns.length, categoryOptIns.length]),
      [[1, 1]],
    )
    assert.deepEqual(edge.offered, [])
  })

  test('by a link that came with no message tells no message of it', async () => {
    const edge = await testEdge()
    const deliveryId = uuidV7(edgeNowMs, Buffer.alloc(10, 7))
    await post(edge, formWith({ without: ['channel:sms'] }), pathOf(linksOf({ deliveryId }).preferences()))
    assert.equal(edge.saved.length, 1)
    assert.deepEqual(edge.offered, [])
  })

  test('turns everything off by its channels, and keeps the finer choices', async () => {
    const edge = await testEdge()
    await post(edge, formWith({ with: [['do', 'all-off']] }))
    const [{ changes } = { changes: undefined }] = edge.saved
    assert.deepEqual(
      changes?.channelOptIns.map(({ channel, optIn }) => [channel, optIn]),
      [
        ['push', false],
        ['sms', false],
        ['email', false],
      ],
    )
    assert.deepEqual(changes?.categoryOptIns, [])
  })

  test('leaves what nobody can leave as it is, whatever is sent', async () => {
    const edge = await testEdge()
    await post(
      edge,
      formWith({
        with: [
          ['shown', 'login-code'],
          ['shown', 'gone'],
        ],
      }),
    )
    assert.deepEqual(edge.saved, [])
  })

  test('clears language and zone where they are to be automatic', async () => {
    const edge = await testEdge()
    await post(
      edge,
      formWith({
        with: [
          ['locale', ''],
          ['time_zone', ''],
        ],
      }),
    )
    assert.deepEqual(edge.saved[0]?.changes.person, { locale: null, timeZone: null, quietHours: null })
  })

  test('asks again for quiet hours with one end', async () => {
    const edge = await testEdge()
    const without = ['category:email:weekly-offers']
    const answer = await post(
      edge,
      formWith({
        without,
        with: [
          ['quiet', 'on'],
          ['quiet_until', ''],
        ],
      }),
    )
    assert.equal(answer.statusCode, 400)
    assert.match(answer.body, /role="alert">Quiet hours need both/)
    // What was chosen besides is still chosen.
    assert.match(inOneLine(answer.body), /value="category:email:weekly-offers" aria-label="Weekly offers: Email">/)
    assert.deepEqual(edge.saved, [])
  })

  const manipulated: Record<string, string> = {
    'another zone than there is': formWith({ with: [['time_zone', 'Mars/Olympus']] }),
    'no language': formWith({ with: [['locale', '‮javascript']] }),
    'a language without end': formWith({ with: [['locale', `en-${'x'.repeat(5_000)}`]] }),
    'an hour that no clock shows': formWith({
      with: [
        ['quiet', 'on'],
        ['quiet_from', '25:00'],
      ],
    }),
    'another button': formWith({ with: [['do', 'drop']] }),
    nothing: '',
    'more than there is': Array.from({ length: 4_000 }, (_, index) => `on=${index}`).join('&'),
  }
  for (const [name, payload] of Object.entries(manipulated)) {
    test(`refuses ${name}`, async () => {
      const edge = await testEdge()
      const answer = await post(edge, payload)
      assert.equal(answer.statusCode, 400)
      assert.deepEqual(edge.saved, [])
    })
  }

  test('takes nothing but a form, and no larger one than the page has', async () => {
    const edge = await testEdge()
    const json = await edge.server.inject({ method: 'POST', url: path, payload: { on: [] } })
    assert.equal(json.statusCode, 415)
    assert.equal((await post(edge, `on=${'x'.repeat(70_000)}`)).statusCode, 413)
    assert.deepEqual(edge.saved, [])
  })

  test('is done for whoever was deleted meanwhile', async () => {
    const edge = await testEdge({ people: people({ save: () => Promise.resolve(undefined) }) })
    assert.equal((await post(edge, formWith({ without: ['channel:sms'] }))).statusCode, 303)
    assert.deepEqual([edge.offered, edge.forgotten], [[], []])
  })
})
