import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { PreferenceChanges } from '../../src/domain/preferences.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createPersonPreferences, type PersonPreferences } from '../../src/postgres/person-preferences.ts'
import { createWebhookReceipts } from '../../src/postgres/webhook-receipts.ts'
import { insertCategory, insertUser, setCategory, setChannel } from '../support/builders/people.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const insufficientPrivilege = '42501'

const everything: PreferenceChanges = {
  channelOptIns: [
    { channel: 'push', optIn: false },
    { channel: 'sms', optIn: true },
  ],
  categoryOptIns: [
    { category: 'offers', channel: 'email', optIn: false },
    { category: 'offers', channel: 'push', optIn: true },
  ],
  person: { locale: 'ko', timeZone: 'Asia/Seoul', quietHours: { fromMinute: 1_320, untilMinute: 480 } },
}

describe('the edge’s database role', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let people: PersonPreferences
  let users = 0

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'edge', maxConnections: 2, role: 'fanfare_edge' })
    people = createPersonPreferences(pool)
    await insertCategory(database, { name: 'codes', mandatory: true })
    await insertCategory(database, { name: 'offers' })
    await database.query(`update categories set titles = '{"en": "Offers", "ko": "혜택"}' where name = 'offers'`)
    await database.query(
      `insert into categories (name, lane, channels, mandatory, listed, time_to_live_seconds, template_id)
       values ('alarm', 'transactional', '{sms}', true, false, 60, 'alarm')`,
    )
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  async function newUser(): Promise<number> {
    users += 1
    await insertUser(database, users)
    return users
  }

  async function versionOf(userId: number): Promise<number> {
    const [row] = await database.query<{ version: string }>('select version from users where user_id = $1', [userId])
    return Number(row?.version)
  }

  const asEdge = (text: string) =>
    pool.query({ name: `ad hoc ${createHash('sha1').update(text).digest('hex')}`, text }, [])

  test('reads no address, no device, no delivery, and nobody’s secrets', async () => {
    const forbidden = [
      'select email from users',
      'select phone_number from users',
      'select * from users',
      'select * from devices',
      'select * from deliveries',
      'select * from notifications',
      'select * from scheduled_notifications',
      'select * from suppressions',
      'select * from apps',
      'select * from app_secrets',
      'select * from idempotency_keys',
      'select * from template_contents',
      'select template_id from categories',
      'delete from category_settings',
      'delete from users',
      'update users set email = null',
      'update users set version = 0',
      "insert into suppressions (channel, address_hash, reason) values ('sms', 'x', 'stop')",
      'delete from webhook_receipts',
      'create table mine (id int)',
    ]
    for (const text of forbidden) {
      await assert.rejects(asEdge(text), { code: insufficientPrivilege }, text)
    }
  })

  test('has rights on these tables and columns, and on nothing else', async () => {
    const rows = await database.query<{ right: string }>(
      `select distinct table_name || ': ' || lower(privilege_type) as right
       from information_schema.role_table_grants where grantee = 'fanfare_edge'
       union
       select distinct columns.table_name || '.' || columns.column_name || ': ' || lower(columns.privilege_type)
       from information_schema.role_column_grants as columns
       where grantee = 'fanfare_edge' and not exists (
         select from information_schema.role_table_grants as tables
         where tables.grantee = 'fanfare_edge'
           and tables.table_name = columns.table_name and tables.privilege_type = columns.privilege_type
       )
       order by 1`,
    )
    assert.deepEqual(
      rows.map(({ right }) => right),
      [
        'categories.listed: select',
        'categories.mandatory: select',
        'categories.name: select',
        'categories.opt_in_default: select',
        'categories.titles: select',
        'category_settings: insert',
        'category_settings: select',
        'category_settings: update',
        'notification_settings: insert',
        'notification_settings: select',
        'notification_settings: update',
        'users.locale: select',
        'users.locale: update',
        'users.quiet_from_minute: select',
        'users.quiet_from_minute: update',
        'users.quiet_until_minute: select',
        'users.quiet_until_minute: update',
        'users.time_zone: select',
        'users.time_zone: update',
        'users.updated_at: update',
        'users.user_id: select',
        'users.version: select',
        'webhook_receipts: insert',
        'webhook_receipts: select',
      ],
    )
  })

  test('loads what the page shows: as the sender will decide, without what is not for people', async () => {
    const userId = await newUser()
    await setChannel(database, { userId, channel: 'sms', optIn: false })
    await setCategory(database, { userId, category: 'offers', channel: 'email', optIn: false })
    await setCategory(database, { userId, category: 'codes', channel: 'email', optIn: false })
    assert.deepEqual(await people.load(userId), {
      channelOptIns: { push: true, sms: false, email: true },
      categories: [
        { name: 'codes', titles: {}, mandatory: true, optIns: { push: true, sms: true, email: true } },
        {
          name: 'offers',
          titles: { en: 'Offers', ko: '혜택' },
          mandatory: false,
          optIns: { push: true, sms: true, email: false },
        },
      ],
      locale: 'en',
      timeZone: null,
      quietHours: null,
    })
    assert.equal(await people.load(999_999), undefined)
  })

  test('commits an opt-out, raises the version with it, and says the version', async () => {
    const userId = await newUser()
    const before = await versionOf(userId)
    const optOut = { userId, category: 'offers', channel: 'email' } as const
    const written = await people.optOutOfCategory(optOut)
    assert.ok(written !== undefined && written.version > before)
    assert.equal(await versionOf(userId), written.version)
    assert.equal((await people.load(userId))?.categories[1]?.optIns.email, false)
    // Again: it stays, and nothing moves.
    assert.deepEqual(await people.optOutOfCategory(optOut), written)
    assert.equal(await people.optOutOfCategory({ ...optOut, userId: 999_999 }), undefined)
  })

  test('opts out of a category that nobody knows any more, and back out of one that was chosen', async () => {
    const userId = await newUser()
    await setCategory(database, { userId, category: 'offers', channel: 'email', optIn: true })
    await people.optOutOfCategory({ userId, category: 'offers', channel: 'email' })
    await people.optOutOfCategory({ userId, category: 'it’s; drop table users; --', channel: 'email' })
    const rows = await database.query('select category, opt_in from category_settings where user_id = $1 order by 1', [
      userId,
    ])
    assert.deepEqual(rows, [
      { category: 'it’s; drop table users; --', opt_in: false },
      { category: 'offers', opt_in: false },
    ])
  })

  test('saves all of a change or nothing of it', async () => {
    const userId = await newUser()
    const before = await versionOf(userId)
    const written = await people.save(userId, everything)
    assert.ok(written !== undefined && written.version > before)
    assert.equal(await versionOf(userId), written.version)
    const saved = await people.load(userId)
    assert.deepEqual(saved?.channelOptIns, { push: false, sms: true, email: true })
    assert.deepEqual(saved?.categories[1]?.optIns, { push: true, sms: true, email: false })
    assert.deepEqual(
      [saved?.locale, saved?.timeZone, saved?.quietHours],
      ['ko', 'Asia/Seoul', { fromMinute: 1_320, untilMinute: 480 }],
    )
    const broken = {
      ...everything,
      channelOptIns: [{ channel: 'email', optIn: false }] as const,
      person: { locale: 'en', timeZone: 'UTC', quietHours: { fromMinute: 1_440, untilMinute: 0 } },
    }
    await assert.rejects(people.save(userId, broken))
    assert.deepEqual(await people.load(userId), saved)
    assert.equal(await people.save(999_999, everything), undefined)
  })

  test('lets many people of one mind write at once: nobody deadlocks', async () => {
    const userId = await newUser()
    const wide = createHotPathPool({
      url: database.url,
      applicationName: 'edge',
      maxConnections: 8,
      role: 'fanfare_edge',
    })
    const many = createPersonPreferences(wide)
    const writes = Array.from({ length: 24 }, (_, index) =>
      index % 2 === 0
        ? many.optOutOfCategory({ userId, category: `category-${index}`, channel: 'email' })
        : many.save(userId, everything),
    )
    const versions = (await Promise.all(writes)).map((written) => written?.version)
    await wide.close()
    assert.ok(versions.every((version) => version !== undefined))
    assert.equal(await versionOf(userId), Math.max(...versions.map(Number)))
  })

  test('is taken on by a login that is a member of it, and by no other', async () => {
    const member = `edge_login_${randomBytes(4).toString('hex')}`
    const stranger = `${member}_stranger`
    await database.query(`create role ${member} login password 'secret' in role fanfare_edge noinherit`)
    await database.query(`create role ${stranger} login password 'secret'`)
    const loginAs = (login: string) => {
      const url = new URL(database.url)
      url.username = login
      url.password = 'secret'
      return createHotPathPool({ url: url.href, applicationName: 'edge', maxConnections: 1, role: 'fanfare_edge' })
    }
    const [own, other] = [loginAs(member), loginAs(stranger)]
    try {
      assert.ok((await createPersonPreferences(own).load(await newUser())) !== undefined)
      await assert.rejects(createPersonPreferences(other).load(1), { name: 'DependencyUnavailable' })
    } finally {
      await Promise.all([own.close(), other.close()])
      await database.query(`drop role ${member}`)
      await database.query(`drop role ${stranger}`)
    }
  })

  const grants = [
    'usage on schema public',
    'usage on sequence profile_version',
    'select (user_id) on users',
    'select (version) on users',
    'select (locale) on users',
    'select (time_zone) on users',
    'select (quiet_from_minute) on users',
    'select (quiet_until_minute) on users',
    'update (locale) on users',
    'update (time_zone) on users',
    'update (quiet_from_minute) on users',
    'update (quiet_until_minute) on users',
    'update (updated_at) on users',
    'select on notification_settings',
    'insert on notification_settings',
    'update on notification_settings',
    'select on category_settings',
    'insert on category_settings',
    'update on category_settings',
    'select (name) on categories',
    'select (titles) on categories',
    'select (listed) on categories',
    'select (mandatory) on categories',
    'select (opt_in_default) on categories',
    'select on webhook_receipts',
    'insert on webhook_receipts',
  ]
  for (const grant of grants) {
    test(`needs the right ${grant}`, async () => {
      const userId = await newUser()
      const digest = createHash('sha256').update(grant).digest()
      const works = async () => {
        const receipts = createWebhookReceipts(pool)
        if (!(await receipts.isKept(digest))) await receipts.keep(digest, null)
        await people.load(userId)
        await people.optOutOfCategory({ userId, category: 'offers', channel: 'email' })
        await people.save(userId, everything)
      }
      await database.query(`revoke ${grant} from fanfare_edge`)
      // PUBLIC may use the schema too, unless a company has seen to it.
      if (grant.includes('schema')) await database.query('revoke usage on schema public from public')
      const digestBefore = digest.at(0)!
      digest[0] = digestBefore ^ 1
      await assert.rejects(works(), `nothing needed ${grant}`)
      await database.query(`grant ${grant} to fanfare_edge`)
      if (grant.includes('schema')) await database.query('grant usage on schema public to public')
      await works()
    })
  }
})
