import assert from 'node:assert/strict'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Profile } from '../../src/domain/profile.ts'
import { verifyLink, type Mac } from '../../src/domain/signed-link.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createProfileCache, type ProfileCache } from '../../src/redis/profile-cache.ts'
import { deferredEntry, logEntry } from '../support/builders/log-entry.ts'
import { insertCategory } from '../support/builders/people.ts'
import { call, insertApp, refusalIn, startTestGateway, type TestApp, type TestGateway } from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

let pipeline: Pipeline
let gateway: TestGateway
let app: TestApp
let pool: HotPathPool
let redis: Redis
let cache: ProfileCache

before(async () => {
  pipeline = await startPipeline()
  app = await insertApp(pipeline.database, { scopes: ['users:write'] })
  gateway = await startTestGateway(pipeline)
  pool = createHotPathPool({ url: pipeline.database.url, applicationName: 'test', maxConnections: 2 })
  redis = connectRedis({ url: readStackEnvironment().redisUrl, lost: () => {} })
  await untilRedisReady(redis, 5_000)
  const keyPrefix = pipeline.topics.usersChanged.slice(0, -'users.changed'.length)
  cache = createProfileCache({ redis, keyPrefix, failed: () => assert.fail('Redis failed') })
  await insertCategory(pipeline.database, { name: 'login-code', mandatory: true })
  await insertCategory(pipeline.database, { name: 'weekly/offers' })
  await insertCategory(pipeline.database, { name: 'on-request', optInDefault: false })
})
afterEach((context) => pipeline.showLogs(context))
after(async () => {
  redis.disconnect()
  await pool.close()
  await gateway.stop()
  await pipeline.stop()
})

const ask = (path: string, given: { method?: string; json?: unknown } = {}) => call(gateway, path, { app, ...given })
const put = (path: string, json: unknown) => ask(path, { method: 'PUT', json })
const cached = async (userId: number): Promise<Profile | undefined> => (await cache.read([userId])).get(userId)
const stored = async (userId: number) => (await createProfiles(pool).loadProfiles([userId])).get(userId)

const ada = { email: 'ada@example.com', phoneNumber: '+14155550111', locale: 'en-GB', timeZone: 'Europe/London' }
const nobody = { email: null, phoneNumber: null, locale: null, timeZone: null }

describe('people over HTTP', () => {
  test('are written whole, read back, and in the cache before the answer', async () => {
    const quietHours = { from: '22:30', until: '07:00' }
    const answer = await put('/v1/users/1', { ...ada, quietHours })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.body, { userId: 1, ...ada, quietHours, devices: [] })
    assert.deepEqual((await ask('/v1/users/1')).body, answer.body)
    assert.deepEqual(await cached(1), await stored(1))
    assert.equal((await cached(1))?.quietFromMinute, 22 * 60 + 30)
  })

  test('keep quiet hours that nobody speaks of, and lose those that are null', async () => {
    await put('/v1/users/2', { ...ada, quietHours: { from: '00:00', until: '00:00' } })
    const kept = await put('/v1/users/2', nobody)
    assert.deepEqual(kept.body, { userId: 2, ...nobody, quietHours: { from: '00:00', until: '00:00' }, devices: [] })
    const gone = await put('/v1/users/2', { ...nobody, quietHours: null })
    assert.equal(gone.body['quietHours'], null)
  })

  test('who are unknown are not found', async () => {
    for (const path of ['/v1/users/404', '/v1/users/404/settings']) {
      assert.deepEqual(refusalIn(await ask(path)), { status: 404, kind: 'not_found', fields: [] })
    }
    const device = await put(`/v1/users/404/devices/${randomUUID()}`, { platform: 'android', token: 'unknown' })
    assert.equal(refusalIn(device).kind, 'not_found')
    assert.equal(refusalIn(await put('/v1/users/404/settings', { channels: {}, categories: {} })).kind, 'not_found')
  })

  const faults: readonly [string, object][] = [
    ['/email', { ...ada, email: 'ada at example' }],
    ['/phoneNumber', { ...ada, phoneNumber: '020 7946 0000' }],
    ['/locale', { ...ada, locale: 'the language of shakespeare' }],
    ['/timeZone', { ...ada, timeZone: 'Europe/Atlantis' }],
    ['/quietHours/from', { ...ada, quietHours: { from: '24:00', until: '07:00' } }],
    ['/quietHours/until', { ...ada, quietHours: { from: '22:00' } }],
    ['/timeZone', { email: null, phoneNumber: null, locale: null }],
    ['/fax', { ...ada, fax: '+14155550199' }],
    ['/email', { ...ada, email: 17 }],
  ]
  for (const [field, body] of faults) {
    test(`are refused by the name of what is wrong, ${field}, and what came is not repeated: ${JSON.stringify(body)}`, async () => {
      const answer = await put('/v1/users/3', body)
      assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: [field] })
      assert.doesNotMatch(answer.text, /ada at|020 7946|shakespeare|Atlantis|24:00|4155550199/)
      assert.equal(await stored(3), undefined)
    })
  }

  test('have ids that every language keeps exactly', async () => {
    for (const id of ['0', '-1', '01', '1.0', '1e3', 'ada', '9007199254740991', '99999999999999999999']) {
      const answer = await ask(`/v1/users/${id}`)
      assert.deepEqual(refusalIn(answer).fields, ['path/userId'], id)
    }
    assert.equal((await ask('/v1/users/9007199254740990')).status, 404)
  })

  test('are for apps that may: a scope is asked for by every route', async () => {
    const sender = await insertApp(pipeline.database, { scopes: ['notifications:send'] })
    for (const path of ['/v1/users/1', '/v1/users/1/devices', '/v1/users/1/settings']) {
      assert.equal(refusalIn(await call(gateway, path, { app: sender })).kind, 'forbidden')
    }
  })

  test('whose name holds SQL or Liquid are as inert as any', async () => {
    const email = `{{data}}';drop-table-users--@example.com`
    await put('/v1/users/4', { ...nobody, email: 'a@example.com' })
    assert.equal(refusalIn(await put('/v1/users/4', { ...nobody, email })).status, 400)
    const locale = await put(`/v1/users/4`, { ...nobody, locale: `en'; drop table users` })
    assert.equal(refusalIn(locale).fields[0], '/locale')
    assert.equal((await stored(4))?.email, 'a@example.com')
  })
})

describe('changes of one person at the same moment', () => {
  test('end with the cache as it is in the database, however they and their readers interleave', async () => {
    await put('/v1/users/5', nobody)
    const readers = Array.from({ length: 5 }, async () => {
      for (let round = 0; round < 10; round += 1) {
        const read = await stored(5)
        // What it does with it comes late.
        await new Promise(setImmediate)
        await cache.store([read!])
      }
    })
    const writers = Array.from({ length: 20 }, (_, index) => {
      if (index % 4 === 0)
        return put(`/v1/users/5/devices/${randomUUID()}`, { platform: 'android', token: `t-${index}` })
      if (index % 4 === 1) return put('/v1/users/5/settings', { channels: { sms: index % 8 === 1 }, categories: {} })
      return put('/v1/users/5', { ...nobody, email: `ada-${index}@example.com` })
    })
    const answers = await Promise.all(writers)
    await Promise.all(readers)
    assert.deepEqual(
      answers.map(({ status }) => status),
      answers.map(() => 200),
    )
    assert.deepEqual(await cached(5), await stored(5))
  })
})

describe('devices over HTTP', () => {
  const hex = (seed: string) => Buffer.from(seed).toString('hex').padEnd(64, '0')

  before(() => Promise.all([11, 12, 13].map((userId) => put(`/v1/users/${userId}`, nobody))))

  test('are registered, listed without their tokens, and unregistered', async () => {
    const deviceId = randomUUID()
    const token = hex('first')
    const answer = await put(`/v1/users/11/devices/${deviceId.toUpperCase()}`, { platform: 'ios', token })
    assert.deepEqual([answer.status, answer.body], [200, { deviceId, platform: 'ios' }])
    assert.deepEqual((await cached(11))?.devices, [{ deviceId, platform: 'ios', token }])
    const list = await ask('/v1/users/11/devices')
    assert.doesNotMatch(list.text, new RegExp(token))
    const [device] = list.body['devices'] as { deviceId: string; invalidatedAt: string | null }[]
    assert.deepEqual([device?.deviceId, device?.invalidatedAt], [deviceId, null])
    const remove = () => ask(`/v1/users/11/devices/${deviceId}`, { method: 'DELETE' })
    assert.deepEqual((await remove()).body, { unregistered: true })
    assert.deepEqual((await remove()).body, { unregistered: false })
    assert.deepEqual((await cached(11))?.devices, [])
  })

  test('that a provider called dead come back with the next start of the app', async () => {
    const deviceId = randomUUID()
    const register = () => put(`/v1/users/11/devices/${deviceId}`, { platform: 'android', token: 'revived' })
    await register()
    await pipeline.database.query('update devices set invalidated_at = now() where device_id = $1', [deviceId])
    await register()
    assert.ok((await cached(11))?.devices.some((device) => device.deviceId === deviceId))
  })

  test('leave the first person when another registers the token, in the cache of both', async () => {
    await put(`/v1/users/12/devices/${randomUUID()}`, { platform: 'android', token: 'shared' })
    await put(`/v1/users/13/devices/${randomUUID()}`, { platform: 'android', token: 'shared' })
    assert.deepEqual([(await cached(12))?.devices.length, (await cached(13))?.devices.length], [0, 1])
  })

  test('of two people who swap their tokens at the same moment are never both with one of them', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    for (let round = 0; round < 10; round += 1) {
      const [first, second] = round % 2 === 0 ? ['swap-1', 'swap-2'] : ['swap-2', 'swap-1']
      const answers = await Promise.all([
        put(`/v1/users/12/devices/${one}`, { platform: 'android', token: first }),
        put(`/v1/users/13/devices/${other}`, { platform: 'android', token: second }),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      )
      for (const userId of [12, 13]) assert.deepEqual(await cached(userId), await stored(userId), `round ${round}`)
    }
  })

  const faults: readonly [string, object][] = [
    ['/token', { platform: 'ios', token: 'not hex at all' }],
    ['/token', { platform: 'android', token: 'two words' }],
    ['/token', { platform: 'android', token: '' }],
    ['/platform', { platform: 'windows', token: 'aa' }],
  ]
  for (const [field, body] of faults) {
    test(`are refused for ${field}: ${JSON.stringify(body)}`, async () => {
      const answer = await put(`/v1/users/11/devices/${randomUUID()}`, body)
      assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: [field] })
      assert.doesNotMatch(answer.text, /not hex|two words/)
    })
  }
})

describe('settings over HTTP', () => {
  before(() => put('/v1/users/21', ada))

  test('show every category, the mandatory ones marked, with what comes of them', async () => {
    const { body } = await put('/v1/users/21/settings', {
      channels: { email: false },
      categories: { 'weekly/offers': { sms: false }, 'on-request': { sms: true } },
    })
    assert.deepEqual((await ask('/v1/users/21/settings')).body, body)
    const follows = (wanted: boolean) => ({ chosen: null, wanted })
    assert.deepEqual(body, {
      channels: { push: true, sms: true, email: false },
      categories: [
        {
          category: 'login-code',
          mandatory: true,
          channels: { push: follows(true), sms: follows(true), email: follows(true) },
        },
        {
          category: 'on-request',
          mandatory: false,
          channels: { push: follows(false), sms: { chosen: true, wanted: true }, email: follows(false) },
        },
        {
          category: 'weekly/offers',
          mandatory: false,
          channels: { push: follows(true), sms: { chosen: false, wanted: false }, email: follows(false) },
        },
      ],
    })
    assert.deepEqual(await cached(21), await stored(21))
    assert.deepEqual((await cached(21))?.channelOptIns, { email: false })
  })

  test('are the whole truth: what is not said is not chosen any more', async () => {
    await put('/v1/users/21/settings', { channels: { sms: false }, categories: { 'on-request': { push: true } } })
    await put('/v1/users/21/settings', { channels: { sms: null }, categories: {} })
    const { channelOptIns, categoryOptIns } = (await cached(21))!
    assert.deepEqual([channelOptIns, categoryOptIns], [{}, []])
  })

  test('of an unknown category, or that leave a mandatory one, are refused by its name', async () => {
    const categories = { 'weekly/lies': { push: false }, 'login-code': { sms: false, email: true } }
    const answer = await put('/v1/users/21/settings', { channels: {}, categories })
    assert.deepEqual(refusalIn(answer).fields, ['/categories/weekly~1lies', '/categories/login-code/sms'])
  })

  const malformed: readonly [string, object][] = [
    ['/channels/fax', { channels: { fax: true }, categories: {} }],
    ['/channels/sms', { channels: { sms: 'no' }, categories: {} }],
    ['/categories', { channels: {} }],
    ['/categories/all', { channels: {}, categories: { all: { push: false } } }],
  ]
  for (const [field, body] of malformed) {
    test(`are refused for ${field}: ${JSON.stringify(body)}`, async () => {
      assert.deepEqual(refusalIn(await put('/v1/users/21/settings', body)).fields, [field])
    })
  }
})

describe('a link to the preference page', () => {
  const secret = randomBytes(32)
  const path = '/v1/users/51/preference-link'

  async function withLinks<Result>(
    variables: Record<string, string>,
    work: (own: TestGateway) => Promise<Result>,
  ): Promise<Result> {
    const own = await startTestGateway(pipeline, variables)
    try {
      return await work(own)
    } finally {
      await own.stop()
    }
  }

  test('is signed for this person, of this moment, and nobody else’s', async () => {
    await put('/v1/users/51', nobody)
    const variables = {
      FANFARE_EDGE_URL: 'https://edge.example.com/fanfare/',
      FANFARE_LINK_KEYS: `7:${secret.toString('base64')}`,
    }
    await withLinks(variables, async (own) => {
      const { status, body, text } = await call(own, path, { app })
      assert.equal(status, 200, text)
      const token = /^https:\/\/edge\.example\.com\/fanfare\/p\/([\w-]+)$/.exec(String(body['url']))?.[1] ?? ''
      const mac: Mac = (key, message) => createHmac('sha256', key).update(message).digest()
      const verified = verifyLink('preferences', token, { keys: [{ id: 7, secret }], mac }, Date.now())
      assert.equal(verified.kind === 'valid' && verified.link.userId, 51)
      const expiresAt = Date.parse(String(body['expiresAt']))
      assert.equal(verifyLink('preferences', token, { keys: [{ id: 7, secret }], mac }, expiresAt + 1).kind, 'refused')
      assert.equal(refusalIn(await call(own, '/v1/users/404/preference-link', { app })).kind, 'not_found')
      assert.doesNotMatch(own.log.join('\n'), new RegExp(token))
    })
  })

  test('is refused where there is no edge', async () => {
    await withLinks({ FANFARE_EDGE_URL: '', FANFARE_LINK_KEYS: '' }, async (own) => {
      assert.equal(refusalIn(await call(own, path, { app })).kind, 'conflict')
    })
  })
})

describe('erasing somebody over HTTP', () => {
  const erase = (userId: number) => ask(`/v1/users/${userId}`, { method: 'DELETE' })

  test('takes all that is theirs, cancels what waits, and keeps the suppression of their address', async () => {
    await put('/v1/users/31', ada)
    await put(`/v1/users/31/devices/${randomUUID()}`, { platform: 'android', token: 'erased' })
    await put('/v1/users/31/settings', { channels: { sms: false }, categories: {} })
    await ask('/v1/suppressions', { json: { channel: 'sms', address: ada.phoneNumber } })
    const [routed, waiting] = [logEntry({ userId: 31 }), deferredEntry({ userId: 31 }, Date.now() + 3_600_000)]
    const stranger = deferredEntry({ userId: 32 }, Date.now() + 3_600_000)
    await createNotificationLog(pool).record([routed, waiting, stranger])
    assert.deepEqual((await erase(31)).body, { erased: true, cancelled: 2 })
    assert.equal((await ask('/v1/users/31')).status, 404)
    const rows = await pipeline.database.query(
      `select 1 from devices where user_id = 31 union all select 1 from notification_settings where user_id = 31`,
    )
    assert.deepEqual(rows, [])
    for (const { notificationId } of [routed, waiting]) {
      const told = await pipeline.statuses(notificationId)
      assert.deepEqual(
        told.map(({ status }) => status),
        ['cancelled'],
      )
    }
    assert.deepEqual(
      await pipeline.database.query('select user_id from scheduled_notifications where user_id in (31, 32)'),
      [{ user_id: '32' }],
    )
    const check = await ask('/v1/suppressions/check', { json: { channel: 'sms', address: ada.phoneNumber } })
    assert.equal(check.body['suppressed'], true)
  })

  test('may be asked again: whoever is gone stays gone, and every cancel is told under the same id', async () => {
    const waiting = deferredEntry({ userId: 33 }, Date.now() + 3_600_000)
    await createNotificationLog(pool).record([waiting])
    assert.deepEqual((await erase(33)).body, { erased: false, cancelled: 1 })
    await erase(33)
    const told = await pipeline.statuses(waiting.notificationId)
    assert.equal(told.length, 2)
    assert.equal(new Set(told.map(({ statusId }) => statusId)).size, 1)
  })

  test('cannot be undone by a reader who was slow', async () => {
    await put('/v1/users/34', ada)
    const slow = await stored(34)
    await erase(34)
    await cache.store([slow!])
    assert.equal(await cached(34), undefined)
    await put('/v1/users/34', nobody)
    assert.equal((await cached(34))?.email, null)
  })
})

describe('people while Redis is away', () => {
  test('are changed and erased all the same, and what the cache missed is counted', async () => {
    const alone = await startTestGateway(pipeline, { FANFARE_REDIS_URL: 'redis://127.0.0.1:1' })
    try {
      const answer = await call(alone, '/v1/users/41', { app, method: 'PUT', json: ada })
      assert.equal(answer.status, 200, answer.text)
      assert.equal((await stored(41))?.email, ada.email)
      assert.equal((await call(alone, '/v1/users/41', { app, method: 'DELETE' })).body['erased'], true)
      assert.equal(await alone.counted('fanfare_profile_cache_failures_total', { operation: 'store' }), 1)
      assert.equal(await alone.counted('fanfare_profile_cache_failures_total', { operation: 'forget' }), 1)
    } finally {
      await alone.stop()
    }
  })
})

describe('what the gateway logs about people', () => {
  test('holds no address, number, token or name of anybody', () => {
    assert.doesNotMatch(gateway.log.join('\n'), /example\.com|\+1415|swap-|shared|revived/)
  })
})
