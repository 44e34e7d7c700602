import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Client } from 'pg'
import type { StoredDelivery } from '../../src/domain/stored-delivery.ts'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { withMaintenance, type EventMaintenance } from '../../src/postgres/maintenance.ts'
import { ensurePartitions } from '../../src/postgres/partitions.ts'
import { claimContext, claimRequest } from '../support/builders/claim.ts'
import { insertDelivery, progressOf } from '../support/builders/delivery-row.ts'
import { dayMs, hourMs } from '../support/builders/log-entry.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const overdue = { expiresInMs: -2 * hourMs } as const
const sweep = { graceMs: hourMs, limit: 100 }
const dayAgo = (days: number) => new Date(Date.now() - days * dayMs).toISOString().slice(0, 10)
const today = dayAgo(0)

let database: TestDatabase
let pool: HotPathPool

async function maintaining<Result>(work: (maintenance: EventMaintenance) => Promise<Result>): Promise<Result> {
  let result: Result | undefined
  assert.ok(await withMaintenance(database.url, pool, async (maintenance) => void (result = await work(maintenance))))
  return result as Result
}

before(async () => {
  database = await createTestDatabase()
  pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4, readsPartitions: true })
})
after(async () => {
  await pool.close()
  await database.drop()
})
beforeEach(() => database.query('delete from deliveries'))

describe('the sweep', () => {
  const sweepToday = async (limit = 100) => {
    const expired: StoredDelivery[] = []
    await maintaining((maintenance) =>
      maintenance.sweepExpired(today, { ...sweep, limit }, async (rows) => void expired.push(...rows)),
    )
    return expired
  }

  test('settles what waits and is overdue, without a hop, and hands its status', async () => {
    const routed = await insertDelivery(database, overdue)
    const retrying = await insertDelivery(database, {
      ...overdue,
      state: 'retrying',
      hop: 3,
      attempt: 2,
      nextDueInMs: 5,
    })
    const expired = await sweepToday()
    assert.deepEqual(expired.map(({ deliveryId }) => deliveryId).toSorted(), [routed, retrying].toSorted())
    const { state, hop, attempt, reason, next_due_at: due } = await progressOf(database, retrying)
    assert.deepEqual([state, hop, attempt, reason, due], ['expired', 3, 2, 'past_expiry', null])
  })

  test('respects a lease that is live, and says of one that ended that nobody knows', async () => {
    const leased = await insertDelivery(database, {
      ...overdue,
      state: 'claimed',
      hop: 1,
      leaseOwner: randomUUID(),
      leaseEndsInMs: 60_000,
    })
    const abandoned = await insertDelivery(database, {
      ...overdue,
      state: 'claimed',
      hop: 1,
      leaseOwner: randomUUID(),
      leaseEndsInMs: -5,
    })
    assert.deepEqual(
      (await sweepToday()).map(({ deliveryId, reason }) => [deliveryId, reason]),
      [[abandoned, 'ambiguous']],
    )
    assert.equal((await progressOf(database, leased)).state, 'claimed')
  })

  test('leaves nothing to do for the command of what it settled: its status is published again, and nobody calls', async () => {
    const routed = await insertDelivery(database, overdue)
    const retrying = await insertDelivery(database, { ...overdue, state: 'retrying', hop: 3, attempt: 2 })
    await sweepToday()
    const verdicts = await createDeliveries(pool).claim(claimContext(), [
      claimRequest({ deliveryId: routed, hop: 1 }),
      claimRequest({ deliveryId: retrying, hop: 4 }),
    ])
    const words = verdicts.map(({ action, row }) => [action, row?.state, row?.hop, row?.reason])
    assert.deepEqual(words, [
      ['republish', 'expired', 0, 'past_expiry'],
      ['republish', 'expired', 3, 'past_expiry'],
    ])
  })

  test('leaves final deliveries, held ones among them, and those within the grace', async () => {
    await insertDelivery(database, { ...overdue, state: 'unknown', hop: 1, reason: 'ambiguous' })
    await insertDelivery(database, { ...overdue, state: 'failed', hop: 1 })
    await insertDelivery(database, { ...overdue, state: 'sent', hop: 1 })
    await insertDelivery(database, { expiresInMs: -hourMs / 2 })
    const states = async () => database.query('select * from deliveries order by delivery_id')
    const before = await states()
    assert.equal(before.length, 4)
    assert.deepEqual(await sweepToday(), [])
    assert.deepEqual(await states(), before)
  })

  test('takes no more than it was told, and passes over rows that somebody is at', async () => {
    const busy = await insertDelivery(database, overdue)
    await insertDelivery(database, overdue)
    await insertDelivery(database, overdue)
    const other = new Client({ connectionString: database.url })
    await other.connect()
    try {
      await other.query('begin')
      await other.query('select 1 from deliveries where delivery_id = $1 for update', [busy])
      assert.equal((await sweepToday(1)).length, 1)
      assert.equal((await sweepToday()).length, 1)
    } finally {
      await other.end()
    }
    assert.deepEqual(
      (await sweepToday()).map(({ deliveryId }) => deliveryId),
      [busy],
    )
  })

  test('leaves everything where the statuses cannot be published', async () => {
    const deliveryId = await insertDelivery(database, overdue)
    const failing = maintaining((maintenance) =>
      maintenance.sweepExpired(today, sweep, () => Promise.reject(new Error('no broker'))),
    )
    await assert.rejects(failing, /no broker/)
    assert.equal((await progressOf(database, deliveryId)).state, 'routed')
  })
})

test('stuck is what is not final and was not moved, due or leased for so long', async () => {
  const unmoved = async (choices: Parameters<typeof insertDelivery>[1]) => {
    const id = await insertDelivery(database, choices)
    await database.query(`update deliveries set updated_at = now() - interval '2 h' where delivery_id = $1`, [id])
    return id
  }
  const stuck = [
    await unmoved({}),
    await unmoved({ state: 'retrying', hop: 1, nextDueInMs: -1.5 * hourMs }),
    await unmoved({ state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: -1.5 * hourMs }),
  ]
  await unmoved({ state: 'sent', hop: 1 })
  await unmoved({ state: 'unknown', hop: 1 })
  await unmoved({ state: 'retrying', hop: 1, nextDueInMs: -hourMs / 2 })
  await unmoved({ state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: 60_000 })
  await insertDelivery(database, {})
  const find = (limit: number) => maintaining((maintenance) => maintenance.findStuck(today, hourMs, limit))
  assert.deepEqual((await find(10)).map(({ deliveryId }) => deliveryId).toSorted(), stuck.toSorted())
  assert.equal((await find(2)).length, 2)
})

describe('partitions', () => {
  const retentionDays = 45
  const tables = ['notifications', 'deliveries'] as const
  const nameOf = (table: string, day: string) => `${table}_${day.replaceAll('-', '_')}`
  const maintain = () => maintaining((maintenance) => maintenance.maintainPartitions(retentionDays))

  async function createDay(day: string) {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    await ensurePartitions(client, { today: day, daysBack: 0, daysAhead: 0 })
    await client.end()
  }
  async function existing(day: string): Promise<string[]> {
    const rows = await database.query<{ name: string }>(
      `select relname as name from pg_class where relname = any($1) order by 1`,
      [tables.map((table) => nameOf(table, day))],
    )
    return rows.map(({ name }) => name)
  }

  test('are made ahead, and how many there were is told', async () => {
    for (const table of tables) {
      for (const days of [-2, -5]) await database.query(`drop table ${nameOf(table, dayAgo(days))}`)
    }
    const first = await maintain()
    assert.deepEqual([first.today, first.daysAheadBefore, first.created.length], [today, 1, 4])
    const second = await maintain()
    assert.deepEqual([second.daysAheadBefore, second.created], [8, []])
  })

  test('older than the retention are dropped, log and deliveries together; a day younger stays', async () => {
    await createDay(dayAgo(46))
    await createDay(dayAgo(45))
    await insertDelivery(database, { createdAtMs: Date.now() - 46 * dayMs, state: 'sent', hop: 1 })
    const { retirement } = await maintain()
    assert.deepEqual(retirement, {
      dropped: [nameOf('deliveries', dayAgo(46)), nameOf('notifications', dayAgo(46))],
      kept: [],
    })
    assert.deepEqual(await existing(dayAgo(46)), [])
    assert.equal((await existing(dayAgo(45))).length, 2)
  })

  test('with a row that is not final are kept and reported, and the log of that day with them', async () => {
    const day = dayAgo(50)
    await createDay(day)
    const deliveryId = await insertDelivery(database, { createdAtMs: Date.parse(day), state: 'retrying', hop: 1 })
    const kept = { partition: nameOf('deliveries', day), because: 'open', openRows: 1 }
    assert.deepEqual((await maintain()).retirement, { dropped: [], kept: [kept] })
    assert.equal((await existing(day)).length, 2)
    await database.query(`update deliveries set state = 'failed' where delivery_id = $1`, [deliveryId])
    assert.equal((await maintain()).retirement.dropped.length, 2)
  })

  test('with a notification that waits are kept', async () => {
    const day = dayAgo(51)
    await createDay(day)
    await database.query(
      `insert into notifications (notification_id, source, day, pass, user_id, decision, decided_at)
       values (gen_random_uuid(), 'shop', $1, 0, 7, 'deferred', now())`,
      [day],
    )
    const { dropped, kept } = (await maintain()).retirement
    assert.deepEqual([dropped, kept.map(({ partition }) => partition)], [[], [nameOf('notifications', day)]])
    await database.query('delete from notifications where day = $1', [day])
    await maintain()
  })

  test('that a crash left detached are dropped, unless something in them is not final: then they come back', async () => {
    const [done, open] = [dayAgo(60), dayAgo(61)]
    await createDay(done)
    await createDay(open)
    const deliveryId = await insertDelivery(database, { createdAtMs: Date.parse(open) })
    for (const day of [done, open]) {
      await database.query(`alter table deliveries detach partition ${nameOf('deliveries', day)}`)
    }
    const { dropped, kept } = (await maintain()).retirement
    assert.deepEqual(dropped, [nameOf('deliveries', done), nameOf('notifications', done)])
    assert.deepEqual(
      kept.map(({ partition }) => partition),
      [nameOf('deliveries', open)],
    )
    assert.equal((await progressOf(database, deliveryId)).state, 'routed')
  })
})

test('one process maintains a database at a time', async () => {
  await maintaining(async () => {
    assert.equal(await withMaintenance(database.url, pool, () => Promise.reject(new Error('not run'))), false)
  })
})
