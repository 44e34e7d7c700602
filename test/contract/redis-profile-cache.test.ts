import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Profile } from '../../src/domain/profile.ts'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createProfileCache, type ProfileCache } from '../../src/redis/profile-cache.ts'
import { createProfileSource } from '../../src/services/router/profile-source.ts'
import { profile } from '../support/builders/requests.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

describe('the cache of profiles', () => {
  let redis: Redis
  let cache: ProfileCache

  before(async () => {
    redis = connectRedis({ url: readStackEnvironment().redisUrl, lost: () => {} })
    assert.ok(await untilRedisReady(redis, 5_000))
    cache = createProfileCache({ redis, keyPrefix: `${randomUUID()}.`, failed: () => assert.fail('Redis failed') })
  })

  after(() => redis.disconnect())

  async function cached(userId: number): Promise<Profile | undefined> {
    return (await cache.read([userId])).get(userId)
  }

  test('never goes back to an older version, whoever writes last', async () => {
    await cache.store([profile({ userId: 1, version: 8, email: 'new@example.com' })])
    await cache.store([profile({ userId: 1, version: 7, email: 'old@example.com' })])
    assert.equal((await cached(1))?.email, 'new@example.com')
  })

  test('takes nothing from a reader that was slow: what it read before a change does not undo the change', async () => {
    const before = profile({ userId: 2, version: 10, channelOptIns: {} })
    const after = profile({ userId: 2, version: 11, channelOptIns: { sms: false } })
    const slow = Promise.withResolvers<Map<number, Profile>>()
    const asked = Promise.withResolvers<void>()
    const load = createProfileSource({
      cache,
      loadFromDatabase: () => {
        asked.resolve()
        return slow.promise
      },
      observe: () => {},
    })
    const reading = load([2])
    await asked.promise
    // The person opts out, and the change is written through, while the reader still holds the old row.
    await cache.store([after])
    slow.resolve(new Map([[2, before]]))
    await reading
    assert.deepEqual((await cached(2))?.channelOptIns, { sms: false })
  })

  test('never holds an absence: somebody who signs up is there with the next event', async () => {
    const people = new Map<number, Profile>()
    const load = createProfileSource({
      cache,
      loadFromDatabase: () => Promise.resolve(new Map(people)),
      observe: () => {},
    })
    assert.equal((await load([3])).size, 0)
    people.set(3, profile({ userId: 3 }))
    assert.equal((await load([3])).size, 1)
  })

  test('forgets whoever is erased, and takes them back from nobody who was slow', async () => {
    await cache.store([profile({ userId: 5, version: 20 })])
    await cache.forget([{ userId: 5, version: 25 }])
    assert.equal(await cached(5), undefined)
    await cache.store([profile({ userId: 5, version: 24 })])
    assert.equal(await cached(5), undefined)
    // They signed up again, and what was erased before is older.
    await cache.store([profile({ userId: 5, version: 26 })])
    await cache.forget([{ userId: 5, version: 25 }])
    assert.equal((await cached(5))?.version, 26)
  })

  test('that is away or wrong is a miss, counted, and Postgres answers', async () => {
    const away = connectRedis({ url: 'redis://127.0.0.1:1', lost: () => {} })
    const failures: string[] = []
    const load = createProfileSource({
      cache: createProfileCache({ redis: away, keyPrefix: '', failed: (operation) => failures.push(operation) }),
      loadFromDatabase: () => Promise.resolve(new Map([[4, profile({ userId: 4 })]])),
      observe: () => {},
    })
    assert.equal((await load([4])).get(4)?.userId, 4)
    await createProfileCache({ redis: away, keyPrefix: '', failed: (operation) => failures.push(operation) }).forget([
      { userId: 4, version: 1 },
    ])
    assert.deepEqual(failures, ['read', 'store', 'forget'])
    away.disconnect()
  })
})
