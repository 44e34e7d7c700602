import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import type { Profile } from '../../src/domain/profile.ts'
import type { OutgoingRecord } from '../../src/domain/record.ts'
import { headerNames, readText } from '../../src/domain/record-headers.ts'
import type { UserChanged } from '../../src/domain/user-changed.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { createAvroWriter, type AvroWriter } from '../../src/kafka/registry/avro-writer.ts'
import { createRegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { subjectOf } from '../../src/kafka/topic-schemas.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createProfileCache } from '../../src/redis/profile-cache.ts'
import { deferredEntry, logEntry } from '../support/builders/log-entry.ts'
import { setChannel } from '../support/builders/people.ts'
import { changedDevice, userChanged } from '../support/builders/user-changed.ts'
import { runCommand } from '../support/command-run.ts'
import { lagOf, untilConsumed } from '../support/group-progress.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

let pipeline: Pipeline
let admin: Admin
let pool: HotPathPool
let redis: Redis
let writer: AvroWriter<'UserChanged'>
let role: RoleProcess

before(async () => {
  pipeline = await startPipeline()
  const { brokers, registryUrl, redisUrl } = readStackEnvironment()
  admin = createKafka({ brokers, clientId: 'profiles-test', log: () => {} }).admin()
  await admin.connect()
  pool = createHotPathPool({ url: pipeline.database.url, applicationName: 'test', maxConnections: 2 })
  redis = connectRedis({ url: redisUrl, lost: () => {} })
  await untilRedisReady(redis, 5_000)
  writer = await createAvroWriter({
    registry: createRegistryClient({ url: registryUrl }),
    record: 'UserChanged',
    subject: subjectOf(pipeline.topics.usersChanged, 'UserChanged'),
  })
  role = await pipeline.start(['profiles'])
})
afterEach((context) => pipeline.showLogs(context))
after(async () => {
  redis.disconnect()
  await pool.close()
  await admin.disconnect()
  await pipeline.stop()
})

const recordOf = (change: UserChanged): OutgoingRecord => ({
  topic: pipeline.topics.usersChanged,
  key: String(change.userId),
  value: writer.encode(change),
  headers: {},
})
const erasureOf = (userId: number): OutgoingRecord => ({
  topic: pipeline.topics.usersChanged,
  key: String(userId),
  value: null,
  headers: {},
})

async function follow(...records: readonly OutgoingRecord[]): Promise<void> {
  await pipeline.publish(records)
  await untilFollowed()
}

async function untilFollowed(): Promise<void> {
  const group = pipeline.topics.group('profiles')
  await untilConsumed(admin, [{ group, topic: pipeline.topics.usersChanged }], 30_000)
}

const profileOf = async (userId: number) => (await createProfiles(pool).loadProfiles([userId])).get(userId)

async function cached(userId: number): Promise<Profile | undefined> {
  const keyPrefix = pipeline.topics.usersChanged.slice(0, -'users.changed'.length)
  const cache = createProfileCache({ redis, keyPrefix, failed: () => assert.fail('Redis failed') })
  return (await cache.read([userId])).get(userId)
}

const tokensOf = (profile: Profile | undefined) => profile?.devices.map(({ token }) => token).toSorted()

describe('people of users.changed', () => {
  test('are in the database and in the cache, with all of their devices', async () => {
    const devices = [changedDevice(), changedDevice({ platform: 'ios', token: 'a0'.repeat(32) })]
    await follow(recordOf(userChanged({ userId: 1, devices })))
    const profile = await profileOf(1)
    assert.equal(profile?.email, 'user-1@example.com')
    assert.deepEqual(tokensOf(profile), devices.map(({ token }) => token).toSorted())
    assert.deepEqual(await cached(1), profile)
  })

  test('are of their highest version, in whatever order versions come, in one batch or several', async () => {
    const localeOf = (version: number, locale: string) => recordOf(userChanged({ userId: 2, version, locale }))
    await follow(localeOf(3, 'ko'), localeOf(2, 'fr'), localeOf(3, 'de'))
    assert.equal((await profileOf(2))?.locale, 'ko')
    await follow(localeOf(1, 'fr'))
    assert.equal((await profileOf(2))?.locale, 'ko')
    await follow(localeOf(4, 'ja'))
    assert.equal((await cached(2))?.locale, 'ja')
  })

  test('have only the devices that their last record lists, but for those of a platform that nobody knows', async () => {
    const [left, gone, moved] = [changedDevice(), changedDevice(), changedDevice()]
    await follow(recordOf(userChanged({ userId: 3, version: 1, devices: [left, gone, moved] })))
    await follow(
      recordOf(userChanged({ userId: 3, version: 2, devices: [{ ...left, platform: 'UNKNOWN', token: 'new' }] })),
      recordOf(userChanged({ userId: 4, devices: [{ ...moved, registeredAt: Date.now() }] })),
    )
    assert.deepEqual(tokensOf(await cached(3)), [left.token])
    assert.deepEqual(tokensOf(await cached(4)), [moved.token])
  })

  test('keep a telephone that they registered later than the record of whoever had it before says', async () => {
    const telephone = changedDevice({ registeredAt: Date.now() - 1_000 })
    await follow(recordOf(userChanged({ userId: 5, devices: [telephone] })))
    await follow(recordOf(userChanged({ userId: 6, devices: [{ ...telephone, registeredAt: Date.now() - 5_000 }] })))
    assert.deepEqual(tokensOf(await cached(5)), [telephone.token])
    assert.deepEqual(tokensOf(await cached(6)), [])
  })

  test('lose a telephone in the cache too when it is somebody else’s: their messages must not follow it', async () => {
    const telephone = changedDevice({ registeredAt: Date.now() - 5_000 })
    await follow(recordOf(userChanged({ userId: 7, devices: [telephone] })))
    await follow(recordOf(userChanged({ userId: 8, devices: [{ ...telephone, registeredAt: Date.now() }] })))
    assert.deepEqual(tokensOf(await cached(7)), [])
  })

  test('are erased by a record without a value, with what waits for them, and every cancel is told', async () => {
    const now = Date.now()
    const [routed, waiting] = [logEntry({ userId: 9 }), deferredEntry({ userId: 9 }, now + 3_600_000)]
    await follow(recordOf(userChanged({ userId: 9, devices: [changedDevice()] })))
    await setChannel(pipeline.database, { userId: 9, channel: 'sms', optIn: false })
    await createNotificationLog(pool).record([routed, waiting])
    await follow(erasureOf(9))
    assert.equal(await profileOf(9), undefined)
    assert.equal(await cached(9), undefined)
    for (const { notificationId } of [routed, waiting]) {
      const told = await pipeline.statuses(notificationId)
      assert.deepEqual(
        told.map(({ status }) => status),
        ['cancelled'],
      )
    }
    assert.deepEqual(await pipeline.database.query('select 1 from scheduled_notifications where user_id = 9'), [])
    assert.deepEqual(await pipeline.database.query('select 1 from notification_settings where user_id = 9'), [])
  })

  test('who are erased cannot be brought back by a reader who was slow', async () => {
    await follow(recordOf(userChanged({ userId: 10 })))
    const slow = await profileOf(10)
    await follow(erasureOf(10))
    const keyPrefix = pipeline.topics.usersChanged.slice(0, -'users.changed'.length)
    await createProfileCache({ redis, keyPrefix, failed: () => {} }).store([slow!])
    assert.equal(await cached(10), undefined)
    await follow(recordOf(userChanged({ userId: 10, version: 2 })))
    assert.equal((await cached(10))?.userId, 10)
  })
})

describe('records that cannot be right', () => {
  test('go to the dead letters with a closed reason and the field, without a value, and their neighbours flow', async () => {
    await follow(
      { ...recordOf(userChanged({ userId: 20 })), value: Buffer.from('poison') },
      recordOf(userChanged({ userId: 21, phoneNumber: '010-1234-5678' })),
      { ...recordOf(userChanged({ userId: 22 })), key: '23' },
      { ...erasureOf(24), key: 'everybody' },
      recordOf(userChanged({ userId: 25 })),
    )
    const letters = await pipeline.read(pipeline.topics.usersChangedDeadLetter)
    const told = letters.map(({ headers }) =>
      [headerNames.reason, headerNames.error].map((name) => readText(headers, name) ?? '-').join(' '),
    )
    assert.deepEqual(new Set(told), new Set(['data_error key', 'data_error phoneNumber', 'not_avro -']))
    assert.equal(told.length, 4)
    for (const userId of [20, 21, 22, 23, 24]) assert.equal(await profileOf(userId), undefined)
    assert.equal((await profileOf(25))?.userId, 25)
  })

  test('are listed by the command for dead letters, without anybody’s data', async () => {
    const { code, stdout, stderr } = await runCommand(pipeline, ['dlq', 'list', 'users-changed'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /data_error/)
    assert.match(stdout, /not_avro/)
    assert.doesNotMatch(stdout, /010-1234|example\.com/)
  })
})

describe('records that come again', () => {
  test('from the beginning change nothing: not what people chose, nor who they are, nor the cache', async () => {
    await follow(
      recordOf(userChanged({ userId: 30, version: 1, devices: [changedDevice({ deviceId: randomUUID() })] })),
      recordOf(userChanged({ userId: 30, version: 2, locale: 'ko', devices: [changedDevice()] })),
    )
    await setChannel(pipeline.database, { userId: 30, channel: 'email', optIn: false })
    const before = await profileOf(30)
    await role.stop()
    const groupId = pipeline.topics.group('profiles')
    // Without a position it begins at the beginning.
    await admin.deleteGroups([groupId])
    assert.ok((await lagOf(admin, { group: groupId, topic: pipeline.topics.usersChanged })) > 0)
    role = await pipeline.start(['profiles'])
    await untilFollowed()
    assert.deepEqual(await profileOf(30), before)
    assert.deepEqual(await cached(30), before)
    assert.equal(await profileOf(9), undefined)
    assert.equal((await profileOf(2))?.locale, 'ja')
  })
})
