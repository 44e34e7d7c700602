import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createCategories } from '../../src/postgres/categories.ts'
import { followRulesChanges } from '../../src/postgres/rules-changes.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { call, insertApp, refusalIn, startTestGateway, type TestApp, type TestGateway } from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline
let gateway: TestGateway
let admin: TestApp
let writer: TestApp
let pool: HotPathPool
const hashKey = randomBytes(32).toString('hex')

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  admin = await insertApp(pipeline.database, { appKey: 'console', scopes: ['admin'] })
  writer = await insertApp(pipeline.database, { scopes: ['users:write'] })
  gateway = await startTestGateway(pipeline, { FANFARE_ADDRESS_HASH_KEY: hashKey })
  pool = createHotPathPool({ url: pipeline.database.url, applicationName: 'test', maxConnections: 2 })
})
afterEach((context) => pipeline.showLogs(context))
after(async () => {
  await pool.close()
  await gateway.stop()
  await pipeline.stop()
})

const as =
  (app: TestApp) =>
  (path: string, given: { method?: string; json?: unknown } = {}) =>
    call(gateway, path, { app, ...given })
const ask: ReturnType<typeof as> = (...given) => as(admin)(...given)
const putCategory = (name: string, json: unknown) =>
  ask(`/v1/categories/${encodeURIComponent(name)}`, { method: 'PUT', json })

const rules = { lane: 'bulk', channels: ['push', 'email'], timeToLiveSeconds: 3_600, templateId: 'back-in-stock' }

describe('categories over HTTP', () => {
  const whole = {
    lane: 'transactional',
    channels: ['sms'],
    mandatory: true,
    optInDefault: false,
    caps: [{ limit: 3, windowSeconds: 3_600 }],
    overCapPolicy: 'drop',
    capsUnavailablePolicy: 'defer',
    quietHoursPolicy: 'ignore',
    sendWindow: { from: '09:00', until: '21:30' },
    timeToLiveSeconds: 518_400,
    unknownPolicy: 'hold',
    templateId: 'back-in-stock',
    attempts: { sms: 2 },
    titles: { en: 'Codes', ko: '인증번호' },
    listed: false,
  }

  test('are created and changed whole, and read back as they were written', async () => {
    const created = await putCategory('codes/log in', whole)
    assert.deepEqual([created.status, created.body], [201, { name: 'codes/log in', ...whole }], created.text)
    const changed = await putCategory('codes/log in', rules)
    assert.equal(changed.status, 200)
    const read = await ask(`/v1/categories/${encodeURIComponent('codes/log in')}`)
    assert.deepEqual(read.body, {
      name: 'codes/log in',
      ...rules,
      mandatory: false,
      optInDefault: true,
      caps: [],
      overCapPolicy: 'defer',
      capsUnavailablePolicy: 'send',
      quietHoursPolicy: 'defer',
      sendWindow: null,
      unknownPolicy: 'resend',
      attempts: {},
      titles: {},
      listed: true,
    })
  })

  test('are what routers read, who hear of a change at once', async () => {
    const heard = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const changes = followRulesChanges({
      url: pipeline.database.url,
      applicationName: 'test',
      changed: () => heard.shift()?.resolve(),
    })
    const [connected, told] = heard
    await connected?.promise
    await putCategory('heard-of', { ...rules, sendWindow: { from: '09:00', until: '21:30' } })
    await told?.promise
    await changes.close()
    const category = (await createCategories(pool).loadCategories(['heard-of'])).get('heard-of')
    assert.deepEqual(category?.sendWindow, { fromMinute: 540, untilMinute: 1_290 })
  })

  test('are listed in pages, by name', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await putCategory(name, rules)
    const names: string[] = []
    let query = 'limit=2'
    for (;;) {
      const { body } = await as(writer)(`/v1/categories?${query}`)
      names.push(...(body['categories'] as { name: string }[]).map(({ name }) => name))
      if (body['next'] === null) break
      query = `limit=2&after=${encodeURIComponent(body['next'] as string)}`
    }
    assert.deepEqual(names, names.toSorted())
    assert.equal(new Set(names).size, names.length)
    for (const name of ['page-1', 'page-2', 'page-3', 'receipt']) assert.ok(names.includes(name), name)
  })

  test('are written by admins alone, and it is recorded who it was', async () => {
    const refused = await as(writer)('/v1/categories/mine', { method: 'PUT', json: rules })
    assert.equal(refusalIn(refused).kind, 'forbidden')
    await putCategory('recorded', rules)
    const actions = await pipeline.database.query(
      `select operator, action, choices ->> 'lane' as lane, counts from operator_actions where target = 'recorded'`,
    )
    assert.deepEqual(actions, [
      { operator: 'app:console', action: 'categories.put', lane: 'bulk', counts: { written: 1 } },
    ])
  })

  test('that are unknown are not found', async () => {
    assert.equal(refusalIn(await ask('/v1/categories/nothing')).kind, 'not_found')
  })

  const faults: readonly [string, object][] = [
    ['/lane', { ...rules, lane: 'fast' }],
    ['/channels', { ...rules, channels: [] }],
    ['/channels', { ...rules, channels: ['push', 'push'] }],
    ['/channels/0', { ...rules, channels: ['ios'] }],
    ['/caps/0/windowSeconds', { ...rules, caps: [{ limit: 1, windowSeconds: 0 }] }],
    ['/caps/0/limit', { ...rules, caps: [{ limit: -1, windowSeconds: 60 }] }],
    ['/caps/0/per', { ...rules, caps: [{ limit: 1, windowSeconds: 60, per: 'day' }] }],
    ['/overCapPolicy', { ...rules, overCapPolicy: 'queue' }],
    ['/capsUnavailablePolicy', { ...rules, capsUnavailablePolicy: 'drop' }],
    ['/quietHoursPolicy', { ...rules, quietHoursPolicy: 'drop' }],
    ['/sendWindow/from', { ...rules, sendWindow: { from: '9:00', until: '21:00' } }],
    ['/timeToLiveSeconds', { ...rules, timeToLiveSeconds: 518_401 }],
    ['/timeToLiveSeconds', { ...rules, timeToLiveSeconds: 0 }],
    ['/unknownPolicy', { ...rules, unknownPolicy: 'guess' }],
    ['/templateId', { ...rules, templateId: 'not-published' }],
    ['/attempts/sms', { ...rules, attempts: { sms: 0 } }],
    ['/attempts/ios', { ...rules, attempts: { ios: 2 } }],
    ['/listed', { ...rules, listed: false }],
    ['/priority', { ...rules, priority: 1 }],
  ]
  for (const [field, body] of faults) {
    test(`are refused for ${field}: ${JSON.stringify(body).slice(-80)}`, async () => {
      const answer = await putCategory('refused', body)
      assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: [field] })
      assert.equal(refusalIn(await ask('/v1/categories/refused')).kind, 'not_found')
    })
  }

  test('cannot have the name that means every category, nor one that is no name', async () => {
    for (const name of ['all', ' ', 'a\u0000b', '{{x}}', `'; drop table categories --`]) {
      assert.deepEqual(refusalIn(await putCategory(name, rules)).fields, ['path/name'], name)
    }
  })
})

describe('templates over HTTP', () => {
  const preview = (json: unknown, id = 'back-in-stock') => ask(`/v1/templates/${id}/preview`, { json })

  test('are listed and read as they were published', async () => {
    const { body } = await as(writer)('/v1/templates')
    assert.deepEqual(
      (body['templates'] as { templateId: string; version: number }[]).map(({ templateId, version }) => ({
        templateId,
        version,
      })),
      [{ templateId: 'back-in-stock', version: 3 }],
    )
    const read = await ask('/v1/templates/back-in-stock')
    const contents = read.body['contents'] as { locale: string; content: { channel: string; body?: string } }[]
    assert.deepEqual([read.body['version'], read.body['published']], [3, true])
    assert.equal(
      contents.find(({ content }) => content.channel === 'sms')?.content.body,
      '{{ item_name }} is back since {{ date }}.',
    )
    assert.equal((await ask('/v1/templates/back-in-stock?version=3')).status, 200)
    for (const path of ['back-in-stock?version=4', 'nothing']) {
      assert.equal(refusalIn(await ask(`/v1/templates/${path}`)).kind, 'not_found')
    }
    assert.deepEqual(refusalIn(await ask('/v1/templates/back-in-stock?version=0')).fields, ['query/version'])
  })

  test('are shown with an app’s data, escaped where they are HTML', async () => {
    const { status, body, text } = await preview({ data: { item_name: '<b>Lamp</b>', date: 'May 1' }, locale: 'ko-KR' })
    assert.equal(status, 200, text)
    const messages = body['messages'] as {
      channel: string
      locale: string
      message: { body?: string; html?: string; segments?: number }
    }[]
    assert.deepEqual(
      messages.map(({ channel, locale }) => [channel, locale]),
      [
        ['push', 'en'],
        ['sms', 'en'],
        ['email', 'en'],
      ],
    )
    assert.equal(messages[1]?.message.body, '<b>Lamp</b> is back since May 1.')
    assert.equal(messages[1]?.message.segments, 1)
    assert.match(messages[2]?.message.html ?? '', /&lt;b&gt;Lamp&lt;\/b&gt;/)
  })

  test('name what an event would lack', async () => {
    await pipeline.database.query(`insert into templates (template_id, version, published) values ('needs', 1, true)`)
    await pipeline.database.query(
      `insert into template_contents (template_id, version, channel, locale, content, variables)
       values ('needs', 1, 'sms', 'en', '{"body": "{{ a/b }} {% for line in lines %}{{ line.price }}{% endfor %}"}',
         '{name,lines[].price}')`,
    )
    const answer = await preview({ data: { lines: [{ price: 1 }, {}] } }, 'needs')
    assert.deepEqual(refusalIn(answer).fields, ['/data/name', '/data/lines'])
    assert.match(answer.text, /missing_variable \(name\)/)
  })

  test('are held to the limits of a sender: what takes for ever, and an SMS that is too long', async () => {
    const loop = '{% for a in (1..100000) %}{% for b in (1..100000) %}{{ a }}{% endfor %}{% endfor %}'
    await pipeline.database.query(`insert into templates (template_id, version, published) values ('loop', 1, true)`)
    await pipeline.database.query(`insert into template_contents values ('loop', 1, 'sms', 'en', $1)`, [
      JSON.stringify({ body: loop }),
    ])
    const looping = await preview({}, 'loop')
    assert.deepEqual(refusalIn(looping).fields, ['/data'])
    assert.match(looping.text, /template_error/)
    const long = await preview({ data: { item_name: 'x'.repeat(1_601), date: '' }, channels: ['sms'] })
    assert.deepEqual(refusalIn(long).fields, ['/data'])
    assert.match(long.text, /message_too_large/)
    assert.doesNotMatch(long.text, /xxxx/)
  })

  test('are shown for the channels that they have', async () => {
    const answer = await preview({ channels: ['push'] }, 'needs')
    assert.deepEqual(refusalIn(answer).fields, ['/channels'])
    const malformed = await preview({ data: { nested: { too: 'deep' } } })
    assert.deepEqual(refusalIn(malformed).fields, ['/data/nested'])
  })
})

describe('suppressions over HTTP', () => {
  const add = (json: object) => as(writer)('/v1/suppressions', { json })
  const check = (json: object) => as(writer)('/v1/suppressions/check', { json })
  const remove = (json: object) => ask('/v1/suppressions/remove', { json })
  const email = (address: string) => ({ channel: 'email', address })

  test('are added once, found by address in whatever case, and taken off by cause or all', async () => {
    const address = 'bounced@example.com'
    assert.deepEqual((await add({ ...email(address), cause: 'hard_bounce' })).status, 201)
    assert.deepEqual((await add({ ...email(address), cause: 'hard_bounce' })).body, { added: false })
    await add({ ...email(address), cause: 'complaint', scope: 'receipt' })
    const found = await check(email('Bounced@Example.COM'))
    assert.deepEqual(
      (found.body['suppressions'] as { scope: string; cause: string }[]).map(({ scope, cause }) => [scope, cause]),
      [
        ['all', 'hard_bounce'],
        ['receipt', 'complaint'],
      ],
    )
    assert.deepEqual((await check({ channel: 'sms', address: '+14155550123' })).body, {
      suppressed: false,
      suppressions: [],
    })
    assert.deepEqual((await remove({ ...email(address), cause: 'complaint' })).body, { removed: 1 })
    assert.deepEqual((await remove(email(address))).body, { removed: 1 })
    assert.deepEqual((await remove(email(address))).body, { removed: 0 })
    const actions = await pipeline.database.query<{ operator: string; target: string }>(
      `select operator, target from operator_actions where action = 'suppressions.remove'`,
    )
    assert.equal(actions.length, 2)
    for (const { operator, target } of actions) assert.match(`${operator} ${target}`, /^app:console [0-9a-f]{64}$/)
  })

  test('keep a hash and no address, anywhere', async () => {
    await add(email('kept-nowhere@example.com'))
    const dump = await pipeline.database.query(`select suppressions::text from suppressions`)
    assert.doesNotMatch(JSON.stringify(dump), /kept-nowhere/)
    assert.doesNotMatch(gateway.log.join('\n'), /kept-nowhere|bounced@/)
  })

  test('are listed by channel with their counts, in pages that hold each once', async () => {
    for (let n = 0; n < 7; n += 1) await add({ channel: 'sms', address: `+141555502${n}0`, cause: 'stop' })
    await add({ channel: 'sms', address: '+14155550200', cause: 'manual' })
    const hashes: string[] = []
    let query = 'channel=sms&limit=3'
    for (let page = 0; ; page += 1) {
      const { body } = await ask(`/v1/suppressions?${query}`)
      hashes.push(...(body['suppressions'] as { addressHash: string }[]).map(({ addressHash }) => addressHash))
      const counts = [
        { cause: 'manual', count: 1 },
        { cause: 'stop', count: 7 },
      ]
      assert.deepEqual(body['counts'], page === 0 ? counts : null)
      if (body['nextCursor'] === null) break
      query = `channel=sms&limit=3&cursor=${body['nextCursor'] as string}`
    }
    assert.equal(hashes.length, 8)
    assert.equal(new Set(hashes).size, 7)
    assert.deepEqual(hashes, hashes.toSorted())
  })

  test('are listed and taken off by admins alone', async () => {
    for (const [path, json] of [
      ['/v1/suppressions?channel=sms', undefined],
      ['/v1/suppressions/remove', email('a@example.com')],
    ] as const) {
      assert.equal(refusalIn(await as(writer)(path, json === undefined ? {} : { json })).kind, 'forbidden')
    }
  })

  const faults: readonly [string, object][] = [
    ['/address', { channel: 'email', address: 'nobody at all' }],
    ['/address', { channel: 'sms', address: '0171 2345678' }],
    ['/address', { channel: 'push', address: 'two words' }],
    ['/address', { channel: 'email', address: '' }],
    ['/channel', { channel: 'fax', address: '+14155550123' }],
  ]
  for (const [field, body] of faults) {
    test(`are refused for ${field} and do not repeat it: ${JSON.stringify(body)}`, async () => {
      for (const answer of [await check(body), await add(body), await remove(body)]) {
        assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: [field] })
        assert.doesNotMatch(answer.text, /nobody at all|0171|two words|415555/)
      }
    })
  }

  test('have cursors that are ours or refused', async () => {
    for (const cursor of ['x', 'W10', Buffer.from('["zz","all","stop"]').toString('base64url')]) {
      assert.deepEqual(refusalIn(await ask(`/v1/suppressions?channel=sms&cursor=${cursor}`)).fields, ['query/cursor'])
    }
  })

  test('are obeyed by routers', async () => {
    await pipeline.start(['router', '--lane', 'transactional'], { FANFARE_ADDRESS_HASH_KEY: hashKey })
    await insertPerson(pipeline.database, { userId: 7 })
    await add(email(emailOf(7)))
    const event = anEvent({ userId: 7, channels: ['email'] })
    await pipeline.request(event)
    await pipeline.untilRouted()
    const [told] = await pipeline.statuses(event.notificationId)
    assert.deepEqual([told?.status, told?.reason], ['suppressed', 'address_suppressed'])
  })
})
