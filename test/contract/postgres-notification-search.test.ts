import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { loadStatement } from '../../src/postgres/statement.ts'
import { createTimelines, type TimelineSearch } from '../../src/postgres/timeline.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const people = 20_000
const days = 5
/** What one person has: one a day. */
const ofOne = days

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  Plans?: PlanNode[]
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

describe('searching a person’s notifications', () => {
  let database: TestDatabase
  let pool: HotPathPool
  const nowMs = Date.now()

  const search = (choices: Partial<TimelineSearch> = {}) =>
    createTimelines(pool).search({
      userId: 7,
      source: 'shop',
      status: null,
      fromMs: nowMs - 45 * 86_400_000,
      after: null,
      limit: 100,
      ...choices,
    })

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 1 })
    // Prepared while every day is empty, as on a connection that is older than the day.
    await search()
    await database.query(
      `with filled as (
         insert into notifications (notification_id, source, day, pass, lane, record_partition, record_offset, user_id,
           category, decision, delivery_ids, created_at, decided_at)
         select gen_random_uuid(), 'shop', (at at time zone 'utc')::date, 0, 'bulk', 0, n, n, 'offers', 'routed',
           array[gen_random_uuid()], at, now()
         from generate_series(1, $2) as n, generate_series(0, $3 - 1) as past,
           lateral (select to_timestamp($1) - past * interval '1 day' as at) as moment
         returning *
       )
       insert into deliveries (delivery_id, day, notification_id, source, user_id, category, lane, channel, address,
         template_id, template_version, locale, unknown_policy, expires_at, created_at, routed_at, updated_at, state)
       select delivery_ids[1], day, notification_id, source, user_id, category, lane, 'sms', '+14155550100', 'offer', 1,
         'en', 'resend', now() + interval '1 day', created_at, decided_at, now(),
         case when day = (to_timestamp($1) at time zone 'utc')::date then 'sent'::delivery_state else 'failed' end
       from filled`,
      [nowMs / 1_000, people, days],
    )
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  test('finds the newest day first, in pages that meet without a gap', async () => {
    const all = await search()
    assert.equal(all.length, ofOne)
    const keys = all.map(({ day, notificationId }) => `${day} ${notificationId}`)
    assert.deepEqual(keys, keys.toSorted().toReversed())
    const first = await search({ limit: 2 })
    const rest = await search({ after: first.at(-1) ?? null })
    assert.deepEqual([...first, ...rest], all)
  })

  test('filters by decision, by the state of a delivery, by app and by time', async () => {
    const count = async (choices: Partial<TimelineSearch>) => (await search(choices)).length
    assert.equal(await count({ status: 'routed' }), ofOne)
    assert.equal(await count({ status: 'sent' }), 1)
    assert.equal(await count({ status: 'failed' }), ofOne - 1)
    assert.equal(await count({ status: 'deferred' }), 0)
    assert.equal(await count({ source: 'login' }), 0)
    assert.equal(await count({ source: null }), ofOne)
    assert.equal(await count({ fromMs: nowMs - 90_000_000 }), 2)
    assert.equal(await count({ fromMs: nowMs + 1_000 }), 0)
  })

  test('reads by indexes what is the person’s, and nothing of others', async () => {
    const { text } = loadStatement('search-notifications')
    const day = new Date(nowMs - 45 * 86_400_000).toISOString()
    for (const status of [null, 'sent']) {
      const values = [7, 'shop', day.slice(0, 10), day, status, null, null, null, 100]
      const [row] = await pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        { name: `explain-${status}`, text: `explain (analyze, format json) ${text}` },
        values,
      )
      const nodes = nodesOf(row?.['QUERY PLAN'][0].Plan ?? assert.fail('no plan'))
      assert.deepEqual(
        nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']),
        [],
      )
      const read = nodes
        .filter((node) => node['Relation Name'] !== undefined)
        .reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0)
      assert.ok(read <= 4 * ofOne, `${read} rows were read`)
    }
  })
})
