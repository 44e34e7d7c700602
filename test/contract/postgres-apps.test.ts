import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createApp, loadApps, rotateAppSecret, setAppDisabled } from '../../src/postgres/apps.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const action = { operator: 'ada', action: 'app.test', target: 'shop', choices: {} }
const hourMs = 3_600_000

describe('apps', () => {
  let database: TestDatabase
  let pool: HotPathPool

  const create = (appKey: string, secretHash: Uint8Array) =>
    createApp(
      pool,
      {
        appKey,
        scopes: ['notifications:send'],
        categories: ['receipt'],
        channels: null,
        rateLimitPerSecond: 5,
        secretHash,
      },
      action,
    )
  const rotate = (appKey: string, secretHash: Uint8Array, graceMs: number) =>
    rotateAppSecret(pool, { appKey, secretHash, graceMs }, action)
  const secretsOf = async (appKey: string) =>
    (await loadApps(pool)).find((app) => app.appKey === appKey)?.secrets.map(({ hash }) => Buffer.from(hash))

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  test('are loaded as they were made, and made once', async () => {
    const hash = randomBytes(32)
    assert.equal(await create('once', hash), true)
    assert.equal(await create('once', randomBytes(32)), false)
    const app = (await loadApps(pool)).find(({ appKey }) => appKey === 'once')
    assert.deepEqual(app, {
      appKey: 'once',
      scopes: ['notifications:send'],
      categories: ['receipt'],
      channels: null,
      rateLimitPerSecond: 5,
      secrets: [{ hash, expiresAtMs: null }],
    })
  })

  test('have two live secrets at most, also after two rotations at once', async () => {
    const [first, second, third] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    await create('shop', first)
    const both = await Promise.all([rotate('shop', second, hourMs), rotate('shop', third, hourMs)])
    assert.deepEqual(both.map(({ kind }) => kind).toSorted(), ['rotated', 'two_live'])
    const secrets = await secretsOf('shop')
    assert.equal(secrets?.length, 2)
    assert.deepEqual(secrets?.[1], first)
  })

  test('lose every older secret at once where there is no grace', async () => {
    const [first, second, last] = [randomBytes(32), randomBytes(32), randomBytes(32)]
    await create('leaked', first)
    await rotate('leaked', second, hourMs)
    await rotate('leaked', last, 0)
    assert.deepEqual(await secretsOf('leaked'), [last])
    assert.deepEqual(await rotate('nobody', randomBytes(32), 0), { kind: 'unknown_app' })
  })

  test('are not loaded while they are disabled', async () => {
    await create('away', randomBytes(32))
    assert.equal(await setAppDisabled(pool, { appKey: 'away', disabled: true }, action), true)
    assert.equal(await secretsOf('away'), undefined)
    await setAppDisabled(pool, { appKey: 'away', disabled: false }, action)
    assert.equal((await secretsOf('away'))?.length, 1)
    assert.equal(await setAppDisabled(pool, { appKey: 'nobody', disabled: true }, action), false)
  })
})
