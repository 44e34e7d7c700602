import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createIdempotencyKeys } from '../../src/postgres/idempotency-keys.ts'
import { withMaintenance } from '../../src/postgres/maintenance.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const identities = [{ notificationId: 'a', createdAt: 1 }]
const bodyHash = Buffer.from('body')

describe('idempotency keys', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let keys: ReturnType<typeof createIdempotencyKeys>

  const aKey = () => ({ appKey: 'shop', idempotencyKey: randomUUID() })
  const makeOlder = ({ idempotencyKey }: { idempotencyKey: string }, interval: string) =>
    database.query(
      `update idempotency_keys
       set created_at = created_at - $2::interval, leased_until = leased_until - $2::interval
       where idempotency_key = $1`,
      [idempotencyKey, interval],
    )

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 8 })
    keys = createIdempotencyKeys(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  test('are one request’s at a time, of any number that come together', async () => {
    const key = aKey()
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        keys.claim(key, { bodyHash, identities: [{ notificationId: `${index}`, createdAt: index }] }),
      ),
    )
    assert.equal(claims.filter((claim) => claim !== undefined).length, 1)
  })

  test('keep the first one’s identities for whoever takes up what it left', async () => {
    const key = aKey()
    await keys.claim(key, { bodyHash, identities })
    const other = [{ notificationId: 'b', createdAt: 2 }]
    assert.equal(await keys.claim(key, { bodyHash, identities: other }), undefined)
    await keys.release(key)
    assert.deepEqual(await keys.claim(key, { bodyHash, identities: other }), identities)
    await makeOlder(key, '31 seconds')
    assert.deepEqual(await keys.claim(key, { bodyHash, identities: other }), identities)
    await makeOlder(key, '31 seconds')
    assert.equal(await keys.claim(key, { bodyHash: Buffer.from('other'), identities }), undefined)
  })

  test('keep the first answer, with every byte of it', async () => {
    const key = aKey()
    await keys.claim(key, { bodyHash, identities })
    assert.deepEqual(await keys.find(key), { bodyHash, identities, answer: null })
    const body = '{"b":1,  "a":"ü\\u0000"}'
    await keys.answer(key, { status: 207, body })
    await keys.answer(key, { status: 202, body: 'later' })
    assert.deepEqual((await keys.find(key))?.answer, { status: 207, body })
    await makeOlder(key, '31 seconds')
    assert.equal(await keys.claim(key, { bodyHash, identities }), undefined, 'what is answered is nobody’s any more')
  })

  test('end after 24 hours: whoever comes then is the first', async () => {
    const key = aKey()
    await keys.claim(key, { bodyHash, identities })
    await keys.answer(key, { status: 202, body: '{}' })
    await makeOlder(key, '23 hours 59 minutes')
    assert.notEqual(await keys.find(key), undefined)
    await makeOlder(key, '1 minute')
    assert.equal(await keys.find(key), undefined)
    const next = [{ notificationId: 'c', createdAt: 3 }]
    const other = Buffer.from('another body')
    assert.deepEqual(await keys.claim(key, { bodyHash: other, identities: next }), next)
    assert.deepEqual(await keys.find(key), { bodyHash: other, identities: next, answer: null })
  })

  test('are deleted by the maintenance once they have ended, as are receipts of webhooks', async () => {
    const [ended, live] = [aKey(), aKey()]
    for (const key of [ended, live]) await keys.claim(key, { bodyHash, identities })
    await makeOlder(ended, '25 hours')
    await database.query(
      `insert into webhook_receipts (digest, kept_until)
       values (sha256('old'), now() - interval '1 second'), (sha256('new'), now() + interval '1 hour')`,
    )
    let forgotten = 0
    await withMaintenance(database.url, pool, async ({ forgetEnded }) => {
      forgotten = (await forgetEnded(1_000)).forgotten
    })
    assert.equal(forgotten, 2)
    const left = await database.query<{ key: string }>(
      `select idempotency_key as key from idempotency_keys where idempotency_key = any($1)
       union all select encode(digest, 'hex') from webhook_receipts`,
      [[ended.idempotencyKey, live.idempotencyKey]],
    )
    assert.equal(left.length, 2)
    assert.ok(left.some(({ key }) => key === live.idempotencyKey))
  })
})
