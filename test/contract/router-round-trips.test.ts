import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../src/domain/record.ts'
import { topicNames } from '../../src/domain/topic-names.ts'
import { createCategories } from '../../src/postgres/categories.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { createSuppressions } from '../../src/postgres/suppressions.ts'
import { createTemplates } from '../../src/postgres/templates.ts'
import { createCaps } from '../../src/redis/caps.ts'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createProfileCache } from '../../src/redis/profile-cache.ts'
import type { RouterPorts } from '../../src/services/router/ports.ts'
import { createProfileSource } from '../../src/services/router/profile-source.ts'
import { createRouter } from '../../src/services/router/router.ts'
import { createRulesCache } from '../../src/services/router/rules-cache.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { countingRoundTrips } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const chunkSize = 500
const people = 200
const statementsMax = 4
const redisRoundTripsMax = 3
const digest = (algorithm: string) => (input: Uint8Array) => createHash(algorithm).update(input).digest()

describe('a chunk of the router', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let redis: Redis

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
    redis = connectRedis({ url: readStackEnvironment().redisUrl, lost: () => {} })
    assert.ok(await untilRedisReady(redis, 5_000))
    await insertCatalogue(database)
    await database.query(`update categories set caps = '[{"limit": 1, "windowSeconds": 600}]'`)
    for (let userId = 1; userId <= people; userId += 1) await insertPerson(database, { userId })
  })
  after(async () => {
    redis.disconnect()
    await pool.close()
    await database.drop()
  })

  test('costs at most four statements and three round trips to Redis, whatever is in it', async () => {
    const counted = countingRoundTrips(pool)
    const published: OutgoingRecord[] = []
    const router = createRouter('transactional', portsOn(counted, published))
    // The first chunk loads categories and templates, which are kept.
    await router.handle(chunkOf([anEvent({ userId: 1, channels: ['email'] })]))
    const statements = counted.roundTrips()
    const roundTrips = await redisRoundTrips()
    const events = Array.from({ length: chunkSize }, (_, index) => anEvent({ userId: 1 + (index % people) }))
    await router.handle(chunkOf(events))
    const redisTrips = (await redisRoundTrips()) - roundTrips
    assert.ok(counted.roundTrips() - statements <= statementsMax, `${counted.roundTrips() - statements} statements`)
    assert.ok(redisTrips <= redisRoundTripsMax, `${redisTrips} round trips to Redis`)
    const [row] = await database.query<{ routed: number; deferred: number }>(
      `select count(*) filter (where decision = 'routed')::integer as routed,
         count(*) filter (where decision = 'deferred')::integer as deferred from notifications`,
    )
    // User 1 had one before, within the hour.
    assert.deepEqual([row?.routed, (row?.deferred ?? 0) > 0], [people, true])
    assert.ok(published.length >= chunkSize)
  })

  /** Commands of clients, less those that ask for the count itself and a script's text where Redis has not seen it. */
  async function redisRoundTrips(): Promise<number> {
    const stats = await redis.info('commandstats')
    const calls = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
    return calls('mget') + calls('evalsha')
  }

  function portsOn(counted: HotPathPool, published: OutgoingRecord[]): RouterPorts {
    const keyPrefix = `${randomUUID()}.`
    const failed = () => assert.fail('Redis failed')
    const categories = createCategories(counted)
    const templates = createTemplates(counted)
    const profiles = createProfiles(counted)
    const clock = () => performance.now()
    return {
      reader: { decode: (values) => Promise.resolve(values.map((value) => decoded(value))) },
      log: createNotificationLog(counted),
      loadProfiles: createProfileSource({
        cache: createProfileCache({ redis, keyPrefix, failed }),
        loadFromDatabase: (userIds) => profiles.loadProfiles(userIds),
        observe: () => {},
      }),
      loadCategories: createRulesCache({ load: (names) => categories.loadCategories(names), clock }).load,
      loadTemplates: createRulesCache({ load: (names) => templates.loadPublished(names), clock }).load,
      findSuppressed: (questions) =>
        createSuppressions(counted).findSuppressed(
          questions.map((question) => ({ ...question, addressHash: digest('sha256')(Buffer.from(question.address)) })),
        ),
      caps: createCaps({ redis, keyPrefix, failed }),
      userCaps: [{ limit: 100, windowSeconds: 86_400 }],
      defaultZone: 'UTC',
      encodeCommand: () => Buffer.alloc(0),
      encodeStatus: () => Buffer.alloc(0),
      publish: async (records) => {
        published.push(...records)
        await Promise.resolve()
      },
      deadLetter: () => assert.fail('a dead letter'),
      topics: topicNames(),
      sha256: digest('sha256'),
      sha1: digest('sha1'),
      now: Date.now,
      observe: () => {},
    }
  }
})

let offset = 0n

/** The event as JSON: how it is encoded is not what is counted here. */
function chunkOf(events: readonly NotificationRequested[]): ConsumedRecord[] {
  return events.map((event) => ({
    topic: 'notifications.requested.transactional',
    partition: 0,
    offset: (offset += 1n),
    timestampMs: event.createdAt,
    key: Buffer.from(String(event.userId)),
    value: Buffer.from(JSON.stringify(event)),
    headers: {},
  }))
}

function decoded(value: Uint8Array | null) {
  const event = JSON.parse(Buffer.from(value ?? []).toString('utf8')) as NotificationRequested
  return { kind: 'requested' as const, event }
}
