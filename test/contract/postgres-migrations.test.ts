import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { channels, lanes } from '../../src/domain/channel.ts'
import { unknownPolicies } from '../../src/domain/delivery-command.ts'
import { deliveryStates, isFinal } from '../../src/domain/delivery-state.ts'
import { decisionKinds } from '../../src/domain/notification-log.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { ensurePartitions, partitionNameOf, partitionedTables } from '../../src/postgres/partitions.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { dumpSchema } from '../support/schema-dump.ts'

describe('migrations', () => {
  let database: TestDatabase
  before(async () => {
    database = await createTestDatabase({ empty: true })
  })
  after(async () => {
    await database.drop()
  })

  const wholeSchema = async () => [
    await dumpSchema(database.query),
    await database.query('select name, batch from knex_migrations order by id'),
    await database.query(
      `select oid, relname, reloptions, pg_get_expr(relpartbound, oid) as bound from pg_class where relispartition order by relname`,
    ),
  ]

  test('run once when several run at once, and change nothing when they run again', async () => {
    const reports = await Promise.all([migrate(database.url), migrate(database.url)])
    const ran = reports.map((report) => report.migrations.length).toSorted((a, b) => a - b)
    assert.ok(ran[0] === 0 && ran[1]! > 0)
    assert.deepEqual(
      reports.map((report) => report.partitions.length).toSorted((a, b) => a - b),
      [0, 34],
    )
    const schema = await wholeSchema()
    assert.deepEqual(await migrate(database.url), { migrations: [], partitions: [] })
    assert.deepEqual(await wholeSchema(), schema)
  })

  test('survive the lock row that a killed migration leaves behind', async () => {
    await database.query('update knex_migrations_lock set is_locked = 1')
    assert.deepEqual(await migrate(database.url), { migrations: [], partitions: [] })
  })

  test('say which database they could not reach or change', async () => {
    const elsewhere = new URL(database.url)
    elsewhere.pathname = '/no_such_database'
    await assert.rejects(migrate(elsewhere.href), /no_such_database/)
    const taken = await createTestDatabase({ empty: true })
    await taken.query('create table users (mine text)')
    await assert.rejects(migrate(taken.url), /^Error: migration 0001-people failed: .*"users" already exists/)
    assert.deepEqual(await taken.query(`select 1 from pg_class where relname = 'profile_version'`), [])
    await taken.drop()
  })

  test('make the schema that migrations/schema.sql shows (UPDATE_SCHEMA=1 writes it anew)', async () => {
    const file = new URL('../../migrations/schema.sql', import.meta.url)
    const dump = await dumpSchema(database.query)
    if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(file, dump)
    assert.equal(dump, readFileSync(file, 'utf8'))
  })

  const words = {
    channel: channels,
    lane: lanes,
    decision: decisionKinds,
    unknown_policy: unknownPolicies,
    delivery_state: deliveryStates,
  }
  for (const [type, domainWords] of Object.entries(words)) {
    test(`know the words of ${type} in the order of the domain`, async () => {
      const labels = await database.query<{ label: string }>(
        'select enumlabel as label from pg_enum where enumtypid = $1::regtype order by enumsortorder',
        [type],
      )
      assert.deepEqual(
        labels.map((row) => row.label),
        domainWords,
      )
    })
  }

  test('rank the final states from `unknown` upward, as the claim compares them', async () => {
    const finals = await database.query<{ state: string }>(
      `select state from unnest(enum_range(null::delivery_state)) as state where state >= 'unknown'`,
    )
    assert.deepEqual(
      finals.map((row) => row.state),
      deliveryStates.filter(isFinal),
    )
  })

  test('leave space for later versions of a row in every partition', async () => {
    const options = await database.query<{ options: string }>(
      `select distinct split_part(relname, '_', 1) || ' ' || array_to_string(reloptions, ',') as options
       from pg_class where relispartition and relkind = 'r' order by 1`,
    )
    assert.deepEqual(
      options.map((row) => row.options),
      ['deliveries fillfactor=45', 'notifications fillfactor=90'],
    )
  })

  describe('partitions', () => {
    const range = { today: '2031-03-01', daysBack: 1, daysAhead: 2 }

    async function ensureOnOwnConnection(): Promise<string[]> {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      try {
        return await ensurePartitions(client, range)
      } finally {
        await client.end()
      }
    }

    test('of a range are each created once, also by several at once', async () => {
      const created = await Promise.all([1, 2, 3].map(ensureOnOwnConnection))
      const days = ['2031-02-28', '2031-03-01', '2031-03-02', '2031-03-03']
      assert.deepEqual(
        created.flat().toSorted(),
        partitionedTables.flatMap((table) => days.map((day) => partitionNameOf(table, day))).toSorted(),
      )
      assert.deepEqual(await ensureOnOwnConnection(), [])
    })

    test('hold exactly the rows of their UTC day', async () => {
      const insert = (day: string) =>
        database.query<{ partition: string }>(
          `insert into notifications (notification_id, source, day, pass, user_id, decision, decided_at)
           values (gen_random_uuid(), 'shop', $1, 0, 1, 'failed', now()) returning tableoid::regclass::text as partition`,
          [day],
        )
      assert.deepEqual(await insert('2031-03-01'), [{ partition: 'notifications_2031_03_01' }])
      assert.deepEqual(await insert('2031-02-28'), [{ partition: 'notifications_2031_02_28' }])
      await assert.rejects(insert('2031-03-04'), { code: '23514' })
    })

    test('have the primary key and the indexes of their parent', async () => {
      const indexes = await database.query<{ indexname: string }>(
        `select indexname from pg_indexes where tablename = 'notifications_2031_03_01' order by 1`,
      )
      assert.deepEqual(
        indexes.map((row) => row.indexname),
        ['notifications_2031_03_01_pkey', 'notifications_2031_03_01_user_id_idx'],
      )
    })

    test('are created while the hot path goes on', async () => {
      const reader = new Client({ connectionString: database.url })
      await reader.connect()
      try {
        await reader.query('begin')
        await reader.query('select count(*) from notifications where day = $1', ['2031-03-01'])
        await reader.query(
          `insert into notifications (notification_id, source, day, pass, user_id, decision, decided_at)
           values (gen_random_uuid(), 'shop', '2031-03-01', 0, 1, 'failed', now())`,
        )
        const created = await ensurePartitionsAhead()
        assert.equal(created.length, 2)
      } finally {
        await reader.end()
      }
    })

    async function ensurePartitionsAhead(): Promise<string[]> {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      try {
        return await ensurePartitions(client, { ...range, today: '2031-03-02' })
      } finally {
        await client.end()
      }
    }
  })
})
