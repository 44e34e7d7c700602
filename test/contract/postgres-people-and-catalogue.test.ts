import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createCategories } from '../../src/postgres/categories.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { openDatabaseImport } from '../../src/postgres/import.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { createTemplates } from '../../src/postgres/templates.ts'
import { insertCategory, insertUser, setCategory, setChannel } from '../support/builders/people.ts'
import { category } from '../support/builders/requests.ts'
import { countingRoundTrips } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const byName = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name)

describe('people and catalogue in Postgres', () => {
  let database: TestDatabase
  let pool: HotPathPool
  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const profileOf = async (userId: number) => (await createProfiles(pool).loadProfiles([userId])).get(userId)
  const versionOf = async (userId: number) => (await profileOf(userId))!.version

  async function insertDevice(userId: number, token: string, at = '2026-01-01'): Promise<string> {
    const deviceId = randomUUID()
    await database.query(
      `insert into devices (device_id, user_id, platform, token, registered_at) values ($1, $2, 'ios', $3, $4)`,
      [deviceId, userId, token, at],
    )
    return deviceId
  }

  test('a profile is the user with valid devices and all settings, many of them in one round trip', async () => {
    await insertUser(database, 1)
    await insertUser(database, 2)
    await database.query(
      `update users set time_zone = 'Asia/Seoul', quiet_from_minute = 1320, quiet_until_minute = 480 where user_id = 1`,
    )
    const second = await insertDevice(1, 'token-2', '2026-01-02')
    const first = await insertDevice(1, 'token-1', '2026-01-01')
    const dead = await insertDevice(1, 'token-3')
    await database.query('update devices set invalidated_at = now() where device_id = $1', [dead])
    await setChannel(database, { userId: 1, channel: 'sms', optIn: false })
    await setChannel(database, { userId: 1, channel: 'email', optIn: true })
    await setCategory(database, { userId: 1, category: 'offers', channel: 'push', optIn: false })
    const counted = countingRoundTrips(pool)
    const profiles = await createProfiles(counted).loadProfiles([2, 1, 404, 1])
    assert.equal(counted.roundTrips(), 1)
    assert.deepEqual(
      [...profiles.keys()].toSorted((a, b) => a - b),
      [1, 2],
    )
    assert.deepEqual(profiles.get(1), {
      userId: 1,
      version: await versionOf(1),
      email: 'user-1@example.com',
      phoneNumber: '+14155550001',
      locale: 'en',
      timeZone: 'Asia/Seoul',
      quietFromMinute: 1320,
      quietUntilMinute: 480,
      devices: [
        { deviceId: first, platform: 'ios', token: 'token-1' },
        { deviceId: second, platform: 'ios', token: 'token-2' },
      ],
      channelOptIns: { sms: false, email: true },
      categoryOptIns: [{ category: 'offers', channel: 'push', optIn: false }],
    })
    const { devices, channelOptIns, categoryOptIns } = profiles.get(2)!
    assert.deepEqual({ devices, channelOptIns, categoryOptIns }, { devices: [], channelOptIns: {}, categoryOptIns: [] })
  })

  test('the version rises with every change of user, devices or settings, and of nobody else', async () => {
    await insertUser(database, 10)
    await insertUser(database, 11)
    const bystander = await versionOf(11)
    const device = await insertDevice(10, 'token-10')
    const changes = [
      `update users set locale = 'ko' where user_id = 10`,
      `insert into devices (device_id, user_id, platform, token) values (gen_random_uuid(), 10, 'android', 'another')`,
      `update devices set invalidated_at = now() where device_id = '${device}'`,
      `delete from devices where device_id = '${device}'`,
      `insert into notification_settings values (10, 'sms', false)`,
      `update notification_settings set opt_in = true where user_id = 10`,
      `delete from notification_settings where user_id = 10`,
      `insert into category_settings values (10, 'offers', 'sms', false)`,
      `update category_settings set opt_in = true where user_id = 10`,
      `delete from category_settings where user_id = 10`,
      `update users set version = 1 where user_id = 10`,
    ]
    let version = await versionOf(10)
    for (const change of changes) {
      await database.query(change)
      const next = await versionOf(10)
      assert.ok(next > version, change)
      version = next
    }
    assert.equal(await versionOf(11), bystander)
  })

  test('a device that moves to another person raises both versions', async () => {
    await insertUser(database, 20)
    await insertUser(database, 21)
    const device = await insertDevice(20, 'token-20')
    const before = [await versionOf(20), await versionOf(21)]
    await database.query('update devices set user_id = 21 where device_id = $1', [device])
    const [from, to] = [await versionOf(20), await versionOf(21)]
    assert.ok(from > before[0]! && to > before[1]!)
  })

  test('a user who comes back has a higher version than before', async () => {
    await insertUser(database, 30)
    await setChannel(database, { userId: 30, channel: 'sms', optIn: false })
    const before = await versionOf(30)
    await database.query('delete from users where user_id = 30')
    assert.equal(await profileOf(30), undefined)
    await insertUser(database, 30)
    assert.ok((await versionOf(30)) > before)
  })

  test('the notification settings are the book’s columns', async () => {
    const columns = await database.query(
      `select column_name, data_type from information_schema.columns where table_name = 'notification_settings'
       order by ordinal_position`,
    )
    assert.deepEqual(columns, [
      { column_name: 'user_id', data_type: 'bigint' },
      { column_name: 'channel', data_type: 'character varying' },
      { column_name: 'opt_in', data_type: 'boolean' },
    ])
  })

  test('categories come by name, those that exist, whatever was asked for', async () => {
    await insertCategory(database, { name: 'receipts', mandatory: true })
    const categories = await createCategories(pool).loadCategories([
      'receipts',
      'receipts',
      'gone',
      'bad\u0000name',
      '',
    ])
    assert.deepEqual(
      categories,
      new Map([
        [
          'receipts',
          {
            name: 'receipts',
            lane: 'transactional',
            channels: ['sms', 'email'],
            mandatory: true,
            optInDefault: true,
            caps: [{ limit: 3, windowSeconds: 60 }],
            overCapPolicy: 'defer',
            capsUnavailablePolicy: 'send',
            quietHoursPolicy: 'defer',
            sendWindow: null,
            timeToLiveSeconds: 3600,
            unknownPolicy: 'resend',
            templateId: 'receipt',
          },
        ],
      ]),
    )
  })

  test('a category that is brought in keeps every one of its rules', async () => {
    const given = category({
      name: 'brought-in',
      lane: 'bulk',
      channels: ['email'],
      optInDefault: false,
      caps: [
        { limit: 3, windowSeconds: 3_600 },
        { limit: 10, windowSeconds: 86_400 },
      ],
      overCapPolicy: 'drop',
      capsUnavailablePolicy: 'defer',
      quietHoursPolicy: 'ignore',
      sendWindow: { fromMinute: 540, untilMinute: 1_260 },
      timeToLiveSeconds: 7_200,
      unknownPolicy: 'hold',
      templateId: 'brought-in-template',
    })
    const mandatory = category({ name: 'brought-in-mandatory', mandatory: true })
    const bringing = openDatabaseImport(database.url)
    try {
      await bringing.addCategories([given, mandatory])
    } finally {
      await bringing.close()
    }
    const loaded = await createCategories(pool).loadCategories([given.name, mandatory.name])
    assert.deepEqual([...loaded.values()].toSorted(byName), [given, mandatory].toSorted(byName))
    // Whatever a category may say besides by default was said otherwise here.
    const { name: _, mandatory: __, ...rules } = given
    const defaults: Record<string, unknown> = { ...category() }
    for (const [rule, value] of Object.entries(rules)) assert.notDeepEqual(value, defaults[rule], rule)
  })

  describe('templates', () => {
    const sms = { channel: 'sms', body: 'Hello {{ name }}' } as const
    const email = { channel: 'email', subject: 'Hi', text: 't', html: '<p>', callToAction: null } as const
    const push = {
      channel: 'push',
      title: 'T',
      body: 'B',
      callToAction: { title: 'Go', url: 'https://e.example' },
      deepLink: null,
    } as const

    async function insertTemplate(templateId: string, version: number, published: boolean): Promise<void> {
      await database.query('insert into templates (template_id, version, published) values ($1, $2, $3)', [
        templateId,
        version,
        published,
      ])
    }

    async function insertContent(
      templateId: string,
      version: number,
      locale: string,
      content: { channel: string },
      variables: readonly string[] = [],
    ) {
      await database.query('insert into template_contents values ($1, $2, $3, $4, $5, $6)', [
        templateId,
        version,
        content.channel,
        locale,
        JSON.stringify(content),
        variables,
      ])
    }

    test('are found by their published version, with the locales of each channel and what each needs', async () => {
      await insertTemplate('welcome', 1, false)
      await insertTemplate('welcome', 2, true)
      await database.query(`update templates set default_locale = 'ko' where template_id = 'welcome' and version = 2`)
      await insertTemplate('draft', 1, false)
      await insertTemplate('bare', 1, true)
      await insertContent('welcome', 1, 'fr', sms)
      await insertContent('welcome', 2, 'ko', sms, ['name', 'lines[].price'])
      await insertContent('welcome', 2, 'en', sms)
      await insertContent('welcome', 2, 'en', push)
      const found = await createTemplates(pool).loadPublished(['welcome', 'draft', 'bare', 'gone', '\u0000'])
      assert.deepEqual(
        found,
        new Map([
          [
            'welcome',
            {
              templateId: 'welcome',
              version: 2,
              defaultLocale: 'ko',
              contentsOf: {
                push: [{ locale: 'en', variables: [] }],
                sms: [
                  { locale: 'en', variables: [] },
                  { locale: 'ko', variables: ['name', 'lines[].price'] },
                ],
              },
            },
          ],
          ['bare', { templateId: 'bare', version: 1, defaultLocale: 'en', contentsOf: {} }],
        ]),
      )
    })

    test('have one published version at most', async () => {
      await insertTemplate('single', 1, true)
      await assert.rejects(insertTemplate('single', 2, true))
    })

    test('give their contents as they were asked for, in one round trip', async () => {
      await insertTemplate('contents', 1, true)
      for (const content of [sms, email, push]) await insertContent('contents', 1, 'en', content)
      const counted = countingRoundTrips(pool)
      const key = { templateId: 'contents', version: 1, locale: 'en' } as const
      assert.deepEqual(
        await createTemplates(counted).loadContents([
          { ...key, channel: 'push' },
          { ...key, channel: 'sms', locale: 'ko' },
          { ...key, channel: 'email' },
          { ...key, channel: 'sms' },
        ]),
        [push, undefined, email, sms],
      )
      assert.equal(counted.roundTrips(), 1)
    })

    test('never change what a version says', async () => {
      await insertTemplate('fixed', 1, true)
      await insertContent('fixed', 1, 'en', sms, ['name'])
      await assert.rejects(database.query(`update template_contents set content = '{}' where template_id = 'fixed'`))
      await assert.rejects(database.query(`update template_contents set variables = '{}' where template_id = 'fixed'`))
      await assert.rejects(database.query(`delete from template_contents where template_id = 'fixed'`))
    })

    test('whose stored content is malformed name the place, and nothing of the text', async () => {
      await insertTemplate('broken', 1, true)
      await insertContent('broken', 1, 'en', { channel: 'email', subject: 'secret words' } as { channel: string })
      const load = createTemplates(pool).loadContents([
        { templateId: 'broken', version: 1, channel: 'email', locale: 'en' },
      ])
      await assert.rejects(load, (error: Error) => {
        assert.match(error.message, /broken version 1.*text, html, callToAction/)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })
  })
})
