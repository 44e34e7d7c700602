import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createPeople, type People } from '../../src/postgres/people.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { setCategory, setChannel } from '../support/builders/people.ts'
import { personChange, registration } from '../support/builders/person-change.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('people in Postgres', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let people: People
  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 16 })
    people = createPeople(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const profileOf = async (userId: number) => (await createProfiles(pool).loadProfiles([userId])).get(userId)
  const tokensOf = async (userId: number) =>
    (await profileOf(userId))?.devices.map(({ token }) => token).toSorted() ?? []
  let lastUserId = 0
  const newUser = async () => {
    const userId = (lastUserId += 1)
    await people.change([personChange({ userId })])
    return userId
  }

  describe('a change', () => {
    test('is of whoever is new and whoever is there, many of them at once', async () => {
      const known = await newUser()
      const unknown = 9_007_199_254_740_990
      const contact = { email: null, phoneNumber: '+14155550199', locale: 'ko-KR', timeZone: 'Asia/Seoul' }
      const quietHours = { fromMinute: 1_320, untilMinute: 480 }
      const changes = [known, unknown].map((userId) => personChange({ userId, contact, quietHours }))
      assert.deepEqual(
        (await people.change(changes)).written.toSorted((a, b) => a - b),
        [known, unknown],
      )
      for (const userId of [known, unknown]) {
        const { version, ...profile } = (await profileOf(userId))!
        assert.ok(version > 0)
        assert.deepEqual(profile, {
          userId,
          ...contact,
          quietFromMinute: 1_320,
          quietUntilMinute: 480,
          devices: [],
          channelOptIns: {},
          categoryOptIns: [],
        })
      }
    })

    test('keeps quiet hours, devices and settings that it does not speak of', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      await people.change([personChange({ userId, quietHours: { fromMinute: 60, untilMinute: 120 } })])
      await people.registerDevice(registration({ userId, deviceId }))
      await setChannel(database, { userId, channel: 'sms', optIn: false })
      await people.change([personChange({ userId })])
      const { quietFromMinute, devices, channelOptIns } = (await profileOf(userId))!
      assert.deepEqual([quietFromMinute, devices.length, channelOptIns], [60, 1, { sms: false }])
      await people.change([personChange({ userId, quietHours: null })])
      assert.equal((await profileOf(userId))!.quietFromMinute, null)
    })

    test('by the person’s own user service counts only if its version is higher; by the API it always counts', async () => {
      const userId = await newUser()
      const emailAfter = async (externalVersion: number | null, email: string) => {
        const contact = { email, phoneNumber: null, locale: null, timeZone: null }
        const { written } = await people.change([personChange({ userId, externalVersion, contact })])
        assert.equal(written.length, (await profileOf(userId))!.email === email ? 1 : 0)
        return (await profileOf(userId))!.email
      }
      assert.equal(await emailAfter(5, 'five@example.com'), 'five@example.com')
      assert.equal(await emailAfter(5, 'again@example.com'), 'five@example.com')
      assert.equal(await emailAfter(4, 'four@example.com'), 'five@example.com')
      assert.equal(await emailAfter(null, 'api@example.com'), 'api@example.com')
      assert.equal(await emailAfter(5, 'again@example.com'), 'api@example.com')
      assert.equal(await emailAfter(6, 'six@example.com'), 'six@example.com')
    })

    test('that an older version refuses leaves the devices alone too', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      const list = { registered: [registration({ deviceId, token: `list-${userId}` })], leftAlone: [] }
      await people.change([personChange({ userId, externalVersion: 2, devices: list })])
      await people.change([personChange({ userId, externalVersion: 1, devices: { registered: [], leftAlone: [] } })])
      assert.deepEqual(await tokensOf(userId), [`list-${userId}`])
    })

    test('with a list of devices makes it the whole truth, but for those that are to be left alone', async () => {
      const userId = await newUser()
      const [kept, left, gone] = [randomUUID(), randomUUID(), randomUUID()]
      for (const deviceId of [kept, left, gone]) await people.registerDevice(registration({ userId, deviceId }))
      const devices = {
        registered: [registration({ deviceId: kept.toUpperCase(), token: `new-${kept}` })],
        leftAlone: [left.toUpperCase()],
      }
      await people.change([personChange({ userId, devices })])
      assert.deepEqual(await tokensOf(userId), [`new-${kept}`, `token-of-${left}`].toSorted())
    })

    test('of two people who trade their telephones in one change ends as the change says', async () => {
      const [one, other] = [await newUser(), await newUser()]
      const [deviceOfOne, deviceOfOther] = [randomUUID(), randomUUID()]
      await people.registerDevice(registration({ userId: one, deviceId: deviceOfOne, token: 'trade-1' }))
      await people.registerDevice(registration({ userId: other, deviceId: deviceOfOther, token: 'trade-2' }))
      const withToken = (userId: number, deviceId: string, token: string) =>
        personChange({ userId, devices: { registered: [registration({ deviceId, token })], leftAlone: [] } })
      await people.change([withToken(one, deviceOfOne, 'trade-2'), withToken(other, deviceOfOther, 'trade-1')])
      assert.deepEqual([await tokensOf(one), await tokensOf(other)], [['trade-2'], ['trade-1']])
    })

    test('is refused with two of one user: a mistake of ours', async () => {
      await assert.rejects(people.change([personChange({ userId: 5 }), personChange({ userId: 5 })]))
    })
  })

  describe('a registration', () => {
    test('of somebody unknown registers nothing', async () => {
      assert.equal(
        await people.registerDevice(registration({ userId: 404_404, deviceId: randomUUID() })),
        'unknown_user',
      )
    })

    test('revives a device that a provider called dead', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      await people.registerDevice(registration({ userId, deviceId }))
      await database.query('update devices set invalidated_at = now() where device_id = $1', [deviceId])
      assert.deepEqual(await tokensOf(userId), [])
      await people.registerDevice(registration({ userId, deviceId }))
      assert.deepEqual(await tokensOf(userId), [`token-of-${deviceId}`])
    })

    test('that is older than the provider’s word revives nothing, one with another token does', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      const listed = async (token: string, registeredAt: number) => {
        const devices = { registered: [registration({ deviceId, token, registeredAt })], leftAlone: [] }
        await people.change([personChange({ userId, devices })])
        return tokensOf(userId)
      }
      const now = Date.now()
      await listed(`old-${deviceId}`, now - 60_000)
      await database.query(`update devices set invalidated_at = now() - interval '30 s' where device_id = $1`, [
        deviceId,
      ])
      assert.deepEqual(await listed(`old-${deviceId}`, now - 60_000), [])
      assert.deepEqual(await listed(`old-${deviceId}`, now - 10_000), [`old-${deviceId}`])
      await database.query(`update devices set invalidated_at = now() where device_id = $1`, [deviceId])
      assert.deepEqual(await listed(`new-${deviceId}`, now - 60_000), [`new-${deviceId}`])
    })

    test('ahead of our clock counts as now, so that later ones are later', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      const registered = [registration({ deviceId, registeredAt: Date.UTC(2999, 0) })]
      await people.change([personChange({ userId, devices: { registered, leftAlone: [] } })])
      const [row] = await database.query<{ ahead: boolean }>(
        'select registered_at > now() as ahead from devices where device_id = $1',
        [deviceId],
      )
      assert.equal(row?.ahead, false)
    })

    test('again says that the device was seen, and takes nothing else', async () => {
      const userId = await newUser()
      const deviceId = randomUUID()
      await people.registerDevice(registration({ userId, deviceId }))
      await database.query(`update devices set last_seen_at = '2026-01-01', registered_at = '2026-01-01'`)
      await people.registerDevice(registration({ userId, deviceId }))
      const [row] = await database.query<{ seen: boolean }>(
        `select last_seen_at > now() - interval '1 minute' and registered_at = last_seen_at as seen
         from devices where device_id = $1`,
        [deviceId],
      )
      assert.equal(row?.seen, true)
    })

    test('moves a telephone to whoever signs in on it, and both profiles get a new version', async () => {
      const [from, to] = [await newUser(), await newUser()]
      const deviceId = randomUUID()
      await people.registerDevice(registration({ userId: from, deviceId }))
      const before = [(await profileOf(from))!.version, (await profileOf(to))!.version]
      await people.registerDevice(registration({ userId: to, deviceId }))
      assert.deepEqual([await tokensOf(from), await tokensOf(to)], [[], [`token-of-${deviceId}`]])
      assert.ok((await profileOf(from))!.version > before[0]! && (await profileOf(to))!.version > before[1]!)
    })

    test('takes a token from the device of whoever had it', async () => {
      const [from, to] = [await newUser(), await newUser()]
      const [old, reinstalled] = [randomUUID(), randomUUID()]
      await people.registerDevice(registration({ userId: from, deviceId: old, token: 'moving' }))
      const outcome = await people.registerDevice(registration({ userId: to, deviceId: reinstalled, token: 'moving' }))
      // Both profiles are others now: the cache must learn of both, or the first person's messages reach the second.
      assert.deepEqual(outcome, { touched: [to, from] })
      assert.deepEqual([await tokensOf(from), await tokensOf(to)], [[], ['moving']])
    })

    test('of tokens that two people swap at the same moment, over and over, neither deadlocks nor loses one', async () => {
      const [one, other] = [await newUser(), await newUser()]
      const [deviceOfOne, deviceOfOther] = [randomUUID(), randomUUID()]
      const tokens = ['swap-1', 'swap-2']
      for (let round = 0; round < 100; round += 1) {
        const [first = '', second = ''] = round % 2 === 0 ? tokens : tokens.toReversed()
        const outcomes = await Promise.all([
          people.registerDevice(registration({ userId: one, deviceId: deviceOfOne, token: first })),
          people.registerDevice(registration({ userId: other, deviceId: deviceOfOther, token: second })),
        ])
        assert.ok(!outcomes.includes('unknown_user'))
        const held = [...(await tokensOf(one)), ...(await tokensOf(other))]
        // Whoever comes second may take the other's token before that one has its new one: each has one or none.
        assert.equal(new Set(held).size, held.length)
        assert.ok(held.length >= 1, `round ${round}: ${held.join()}`)
      }
    })

    test('of one new token by many at once ends with exactly one of them', async () => {
      const userIds = await Promise.all(Array.from({ length: 8 }, newUser))
      await Promise.all(
        userIds.map((userId) =>
          people.registerDevice(registration({ userId, deviceId: randomUUID(), token: 'wanted' })),
        ),
      )
      const holders = await database.query(`select 1 from devices where token = 'wanted'`)
      assert.equal(holders.length, 1)
    })

    /** Eight at a time, each with its next work as soon as the last is done. */
    async function inAJumble(work: (at: number) => Promise<unknown>): Promise<void> {
      const each = Array.from({ length: 8 }, async (_, worker) => {
        for (let round = 0; round < 20; round += 1) await work(worker * 20 + round)
      })
      await Promise.all(each)
    }
    const deadlocks = async () => {
      const [row] = await database.query<{ deadlocks: string }>(
        `select pg_stat_clear_snapshot(), deadlocks from pg_stat_database where datname = current_database()`,
      )
      return Number(row?.deadlocks)
    }
    const pick = <Item>(items: readonly Item[], at: number) => items[at % items.length]!

    test('never deadlocks with others or with changes of many, all of the same few people, devices and tokens', async () => {
      const userIds = await Promise.all(Array.from({ length: 6 }, newUser))
      const devices = userIds.map(() => randomUUID())
      const before = await deadlocks()
      await inAJumble((at) => {
        const userId = pick(userIds, at * 5)
        const device = registration({ deviceId: pick(devices, at * 7), token: `crowd-${(at * 11) % 6}` })
        if (at % 3 > 0) return people.registerDevice({ ...device, userId })
        const list = { registered: [device], leftAlone: [] }
        return people.change(
          userIds.map((each) => personChange({ userId: each, devices: each === userId ? list : 'kept' })),
        )
      })
      assert.equal(await deadlocks(), before)
    })

    test('of somebody who is erased in the same moment is done or finds nobody', async () => {
      const userIds = await Promise.all(Array.from({ length: 3 }, newUser))
      await inAJumble((at) => {
        if (at % 20 === 0) return people.erase([pick(userIds, at)])
        return people.registerDevice(registration({ deviceId: randomUUID(), userId: pick(userIds, at) }))
      })
      const orphans = await database.query('select 1 from devices where user_id = any($1)', [userIds])
      assert.equal(orphans.length, 0)
    })
  })

  describe('a device that is unregistered', () => {
    test('is gone, and nobody takes away another’s', async () => {
      const [owner, stranger] = [await newUser(), await newUser()]
      const deviceId = randomUUID()
      await people.registerDevice(registration({ userId: owner, deviceId }))
      assert.equal(await people.unregisterDevice({ deviceId, userId: stranger }), false)
      assert.equal(await people.unregisterDevice({ deviceId, userId: owner }), true)
      assert.equal(await people.unregisterDevice({ deviceId, userId: owner }), false)
      assert.deepEqual(await tokensOf(owner), [])
    })
  })

  describe('an erasure', () => {
    test('takes person, devices and settings, and leaves suppressions', async () => {
      const userId = await newUser()
      await people.registerDevice(registration({ userId, deviceId: randomUUID() }))
      await setChannel(database, { userId, channel: 'sms', optIn: false })
      await setCategory(database, { userId, category: 'offers', channel: 'push', optIn: false })
      await database.query(`insert into suppressions (channel, address_hash, reason) values ('sms', 'x', 'bounced')`)
      const [erased] = await people.erase([userId, userId])
      assert.equal(erased?.existed, true)
      const left = await database.query(
        `select user_id from users where user_id = $1 union all select user_id from devices where user_id = $1
         union all select user_id from notification_settings where user_id = $1
         union all select user_id from category_settings where user_id = $1`,
        [userId],
      )
      assert.deepEqual(left, [])
      assert.equal((await database.query('select 1 from suppressions')).length, 1)
    })

    test('has a version above all that was ever read of the person, and below the one that they come back with', async () => {
      const userId = await newUser()
      const before = (await profileOf(userId))!.version
      const [erased] = await people.erase([userId])
      assert.ok(erased!.version > before)
      await people.change([personChange({ userId })])
      assert.ok((await profileOf(userId))!.version > erased!.version)
    })

    test('of somebody unknown says so, and has a version all the same: a cache may know them', async () => {
      const [erased] = await people.erase([404_405])
      assert.equal(erased?.existed, false)
      assert.ok(erased.version > 0)
    })
  })
})
