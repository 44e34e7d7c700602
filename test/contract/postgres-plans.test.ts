/**
 * The plans of the hot path, under the worst circumstance that every day begins with: each statement is prepared, and
 * its plan kept, while the day's partition is empty; then the day fills up and nobody has analysed it.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { NewLogEntry } from '../../src/domain/notification-log.ts'
import { createAddressHygiene } from '../../src/postgres/address-hygiene.ts'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createDeliveryReports } from '../../src/postgres/delivery-reports.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { findOpenNotifications } from '../../src/postgres/open-notifications.ts'
import { createPeople } from '../../src/postgres/people.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { loadStatement, type Statement } from '../../src/postgres/statement.ts'
import { claimContext, claimRequest, settlement } from '../support/builders/claim.ts'
import { logEntry } from '../support/builders/log-entry.ts'
import { personChange, registration } from '../support/builders/person-change.ts'
import { reportAt } from '../support/builders/reports.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const filledRows = 20_000
const chunkSize = 500

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Rows Removed by Join Filter'?: number
  Plans?: PlanNode[]
}

const bigTables = /^(notifications|deliveries|users|devices|notification_settings|category_settings|suppressions)/

describe('the plans of the hot path, prepared on an empty day', () => {
  let database: TestDatabase
  let pool: HotPathPool
  const asked = new Map<string, { statement: Statement; values: readonly unknown[] }>()

  /** Takes the place of the pool to learn what a statement would be asked with; asks nothing. */
  const noting: HotPathPool = {
    query: async (statement, values) => {
      asked.set(statement.name, { statement, values })
      return []
    },
    transaction: (work) => work(noting),
    close: async () => {},
  }

  before(async () => {
    database = await createTestDatabase()
    // One connection: the one that prepares is the one that is asked for its plans.
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 1 })
    const createdAtMs = Date.now()
    await prepareEverything(createdAtMs)
    await fill(createdAtMs)
    await noteEverything(createdAtMs)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const entriesOf = (createdAtMs: number, count: number) =>
    Array.from({ length: count }, () => logEntry({ createdAtMs }))
  const deliveryIdsOf = (entries: NewLogEntry[]) => entries.map((entry) => entry.decision.deliveries[0]!.deliveryId)
  const claimsOf = (entries: NewLogEntry[]) => deliveryIdsOf(entries).map((deliveryId) => claimRequest({ deliveryId }))
  const settlementsOf = (entries: NewLogEntry[]) =>
    deliveryIdsOf(entries).map((deliveryId) => settlement({ deliveryId }))
  const userIds = Array.from({ length: chunkSize }, (_, index) => index + 1)

  const changeOf = (userId: number) => {
    const device = registration({ deviceId: randomUUID(), token: `token-${userId}` })
    return personChange({ userId, devices: { registered: [device], leftAlone: [] } })
  }
  const openOf = (of: readonly number[]) => ({ userIds: of, sinceMs: Date.now(), after: null, limit: chunkSize })

  async function prepareEverything(createdAtMs: number): Promise<void> {
    const log = createNotificationLog(pool)
    const [entry] = entriesOf(createdAtMs, 1)
    await log.lookUp([entry!])
    await createDeliveries(pool).claim(claimContext(), claimsOf([entry!]))
    await createDeliveries(pool).settle(settlementsOf([entry!]))
    await createProfiles(pool).loadProfiles([1])
    await createPeople(pool).change([changeOf(1)])
    await findOpenNotifications(pool, openOf([1]))
    await database.query('delete from users')
    await reportOn(pool, deliveryIdsOf([entry!]))
    await log.cancel({ key: entry!, userId: 7 })
    await log.record([logEntry({ createdAtMs })])
  }

  /** What each statement is asked with when it has all of a full chunk to write. */
  async function noteEverything(createdAtMs: number): Promise<void> {
    const log = createNotificationLog(pool)
    const routed = entriesOf(createdAtMs, chunkSize)
    const claimed = entriesOf(createdAtMs, chunkSize)
    await log.record(routed)
    await log.record(claimed)
    await createDeliveries(pool).claim(claimContext(), claimsOf(claimed))
    const noted = createNotificationLog(noting)
    await noted.lookUp(routed)
    await noted.record(entriesOf(createdAtMs, chunkSize))
    await createDeliveries(noting).claim(claimContext(), claimsOf(routed))
    await createDeliveries(noting).settle(settlementsOf(claimed))
    await createProfiles(noting).loadProfiles(userIds)
    await createPeople(noting).change(userIds.map(changeOf))
    // People of whom the log has one each: all of a person's are read.
    await findOpenNotifications(noting, openOf(userIds.map((userId) => userId + chunkSize)))
    await reportOn(noting, deliveryIdsOf(claimed))
    const { notificationId, source, day } = routed[0]!
    asked.set('cancel-deliveries', {
      statement: loadStatement('cancel-deliveries'),
      values: [notificationId, source, day, deliveryIdsOf(routed)],
    })
  }

  /** All that a chunk of feedback asks, about these deliveries and as many addresses and tokens. */
  async function reportOn(asking: HotPathPool, deliveryIds: readonly string[]): Promise<void> {
    const reports = createDeliveryReports(asking)
    const hygiene = createAddressHygiene(asking)
    const places = deliveryIds.map((_, index) => index + 1)
    const hashOf = (place: number) => createHash('sha256').update(String(place)).digest()
    const about = (place: number) => ({ channel: 'sms' as const, addressHash: hashOf(place) })
    await reports.find(deliveryIds)
    await reports.apply(deliveryIds.map((deliveryId) => reportAt(deliveryId, 'delivered', Date.now())))
    await hygiene.suppress(places.map((place) => ({ ...about(place), scope: 'all', cause: 'stop', sinceMs: 1 })))
    await hygiene.liftStops(places.map((place) => ({ ...about(place), untilMs: Date.now() })))
    await hygiene.invalidateDevices(places.map((place) => ({ token: `token-${place}`, sinceMs: Date.now() })))
  }

  async function fill(createdAtMs: number): Promise<void> {
    const seconds = createdAtMs / 1_000
    await database.query(
      `with filled as (
         insert into notifications (notification_id, source, day, pass, lane, record_partition, record_offset, user_id,
           category, decision, delivery_ids, created_at, decided_at)
         select gen_random_uuid(), 'shop', (to_timestamp($1) at time zone 'utc')::date, 0, 'bulk', 0, n, n, 'offers',
           'routed', array[gen_random_uuid()], to_timestamp($1), now()
         from generate_series(1, $2) as n
         returning *
       )
       insert into deliveries (delivery_id, day, notification_id, source, user_id, category, lane, channel, address,
         template_id, template_version, locale, unknown_policy, expires_at, created_at, routed_at, updated_at)
       select delivery_ids[1], day, notification_id, source, user_id, category, lane, 'sms', '+14155550100', 'offer', 1,
         'en', 'resend', now() + interval '1 day', created_at, decided_at, now()
       from filled`,
      [seconds, filledRows],
    )
    await database.query(`insert into users (user_id) select n from generate_series(1, $1) as n`, [filledRows])
    await database.query(
      `insert into devices (device_id, user_id, platform, token)
       select gen_random_uuid(), n, 'ios', 'token-' || n from generate_series(1, $1) as n`,
      [filledRows],
    )
    await database.query(
      `insert into suppressions (channel, address_hash, reason)
       select 'sms', sha256(n::text::bytea), 'bounced' from generate_series(1, $1) as n`,
      [filledRows],
    )
    for (const settings of [
      'notification_settings (user_id, channel, opt_in)',
      'category_settings (user_id, channel, category, opt_in)',
    ]) {
      const category = settings.includes('category,') ? `, 'offers'` : ''
      await database.query(
        `insert into ${settings} select n, 'sms'${category}, true from generate_series(1, $1) as n`,
        [filledRows],
      )
    }
  }

  /** The nodes of the plan that the connection keeps for a statement, run again with the last values. */
  async function planOf(name: string): Promise<PlanNode[]> {
    const { statement, values } = asked.get(name) ?? assert.fail(`${name} was never asked`)
    const [literals] = await pool.query<Record<string, string>>(
      {
        name: `literals-${name}`,
        text: `select ${values.map((_, index) => `quote_nullable($${index + 1}::text) as v${index}`).join(', ')}`,
      },
      values,
    )
    const execute = `execute "${statement.name}" (${values.map((_, index) => literals![`v${index}`]).join(', ')})`
    const explained = await pool
      .transaction(async (connection) => {
        const [row] = await connection.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
          { name: `explain-${name}`, text: `explain (analyze, format json) ${execute}` },
          [],
        )
        throw new RolledBack(row!['QUERY PLAN'][0].Plan)
      })
      .catch((error: unknown) => (error instanceof RolledBack ? error.plan : Promise.reject(error)))
    return nodesOf(explained)
  }

  const touched = (node: PlanNode) =>
    ((node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0) + node['Actual Rows']) *
    node['Actual Loops']

  for (const name of [
    'look-up-notifications',
    'record-notifications',
    'claim-deliveries',
    'settle-deliveries',
    'cancel-deliveries',
    'load-profiles',
    'lock-devices',
    'lock-users',
    'find-open-notifications',
    'load-reported-deliveries',
    'apply-reports',
    'lift-stops',
    'invalidate-devices',
  ]) {
    test(`${name} looks rows up by key and reads no more than the chunk`, async () => {
      const nodes = await planOf(name)
      const reads = nodes.filter((node) => bigTables.test(node['Relation Name'] ?? ''))
      const scans = reads.filter((node) => /Scan/.test(node['Node Type']))
      assert.ok(scans.length > 0)
      assert.deepEqual(
        scans.filter((node) => node['Node Type'] === 'Seq Scan' && node['Actual Loops'] > 0),
        [],
      )
      for (const scan of scans) {
        assert.ok(
          touched(scan) <= chunkSize,
          `${scan['Node Type']} of ${scan['Relation Name']} read ${touched(scan)} rows`,
        )
      }
      // Joins between the chunk's own columns must not be quadratic either.
      for (const node of nodes) {
        const removed = node['Rows Removed by Join Filter'] ?? 0
        assert.ok(removed * node['Actual Loops'] <= 10 * chunkSize, `${node['Node Type']} compared ${removed} pairs`)
      }
    })
  }

  test('are generic, whatever the connection was told before', async () => {
    const [row] = await pool.query<{ settings: string }>(
      {
        name: 'settings',
        text: `select string_agg(name || '=' || setting, ' ' order by name) as settings from pg_settings
               where name in ('plan_cache_mode', 'enable_seqscan', 'jit')`,
      },
      [],
    )
    assert.equal(row?.settings, 'enable_seqscan=off jit=off plan_cache_mode=force_generic_plan')
    const [kept] = await pool.query<{ custom: string }>(
      { name: 'kept', text: 'select sum(custom_plans) as custom from pg_prepared_statements' },
      [],
    )
    assert.equal(kept?.custom, '0')
  })
})

/** Carries the plan out of a transaction that must not commit: EXPLAIN ANALYZE writes. */
class RolledBack extends Error {
  readonly plan: PlanNode
  constructor(plan: PlanNode) {
    super('rolled back on purpose')
    this.plan = plan
  }
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}
