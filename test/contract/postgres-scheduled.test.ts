import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { NewLogEntry } from '../../src/domain/notification-log.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog, type NotificationLog } from '../../src/postgres/notification-log.ts'
import {
  createScheduledNotifications,
  type DueNotification,
  type ScheduledNotifications,
} from '../../src/postgres/scheduled-notifications.ts'
import { deferredEntry, hourMs, logEntry } from '../support/builders/log-entry.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('what waits', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let log: NotificationLog
  let scheduled: ScheduledNotifications

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    log = createNotificationLog(pool)
    scheduled = createScheduledNotifications(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })
  beforeEach(async () => {
    await database.query('delete from scheduled_notifications')
  })

  async function defer(inMs: number, choices: Parameters<typeof deferredEntry>[0] = {}): Promise<NewLogEntry> {
    const entry = deferredEntry(choices, Date.now() + inMs)
    assert.equal((await log.record([entry])).length, 1)
    return entry
  }

  /** Takes what is due on the transactional lane. */
  async function take(limit = 100): Promise<DueNotification[]> {
    const taken: DueNotification[] = []
    await scheduled.takeDue('transactional', limit, async (due) => {
      taken.push(...due)
      await Promise.resolve()
    })
    return taken
  }

  const idsOf = (due: readonly DueNotification[]) => due.map(({ notificationId }) => notificationId)

  test('comes back when its time has come, earliest first, with its bytes and the pass that follows', async () => {
    const later = await defer(-1_000)
    const earlier = await defer(-5_000)
    await defer(hourMs)
    const due = await take()
    assert.deepEqual(idsOf(due), [earlier.notificationId, later.notificationId])
    assert.deepEqual(
      due.map(({ pass, userId, value }) => ({ pass, userId, value: Buffer.from(value) })),
      [earlier, later].map(({ userId, resumption }) => ({ pass: 1, userId, value: Buffer.from(resumption!.value) })),
    )
    assert.ok(due[0]!.lateMs >= 5_000)
    assert.deepEqual(await take(), [], 'twice')
  })

  test('is one lane’s, and at most as many as asked for', async () => {
    await defer(-3, { resumption: { lane: 'bulk', value: Uint8Array.of(1) } })
    const first = await defer(-2)
    await defer(-1)
    assert.deepEqual(idsOf(await take(1)), [first.notificationId])
    assert.equal((await take(100)).length, 1)
  })

  test('stays if it could not be published', async () => {
    const entry = await defer(-1)
    await assert.rejects(scheduled.takeDue('transactional', 10, () => Promise.reject(new Error('no broker'))))
    assert.deepEqual(idsOf(await take()), [entry.notificationId])
  })

  test('is taken by one of several schedulers, and waited for by none', async () => {
    const entries = await Promise.all([-1, -2, -3].map((inMs) => defer(inMs)))
    const holding = Promise.withResolvers<void>()
    const taken = Promise.withResolvers<string[]>()
    const first = scheduled.takeDue('transactional', 2, async (due) => {
      taken.resolve(idsOf(due))
      await holding.promise
    })
    const held = await taken.promise
    const other = idsOf(await take())
    holding.resolve()
    await first
    assert.deepEqual(new Set([...held, ...other]), new Set(entries.map(({ notificationId }) => notificationId)))
    assert.equal(other.length, 1)
  })

  test('moves on where its resumption is deferred again before the scheduler has forgotten the pass before', async () => {
    const entry = await defer(-1)
    const again = { ...deferredEntry(entry, Date.now() + hourMs), pass: 1 }
    // As after a crash between publishing and deleting: the row of pass 1 is still there.
    assert.equal((await log.record([again])).length, 1)
    const rows = await database.query<{ pass: number }>('select pass from scheduled_notifications')
    assert.deepEqual(rows, [{ pass: 2 }])
    assert.deepEqual(await take(), [])
  })

  test('is forgotten with what was published, and nothing that came into its place meanwhile', async () => {
    const entry = await defer(-1)
    const routed = { ...logEntry({ ...entry, resumption: null }), decision: logEntry(entry).decision, pass: 1 }
    await scheduled.takeDue('transactional', 10, async () => {
      // The router may be quicker than the scheduler's commit.
      assert.equal((await log.record([routed])).length, 1)
    })
    assert.deepEqual(await database.query('select pass from scheduled_notifications'), [])
  })

  test('is found by its index, however many others wait', async () => {
    await database.query(
      `insert into scheduled_notifications (notification_id, source, day, pass, lane, user_id, due_at, record)
       select gen_random_uuid(), 'shop', current_date, 1, 'transactional', n, now() + interval '1 hour' + n * interval '1 second', ''
       from generate_series(1, 1000000) as n`,
    )
    await database.query('analyze scheduled_notifications')
    await defer(-1)
    const plan = await database.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, buffers) select notification_id from scheduled_notifications
       where lane = 'transactional' and due_at <= now() order by due_at limit 500 for update skip locked`,
    )
    const text = plan.map((row) => row['QUERY PLAN']).join('\n')
    assert.match(text, /Index Scan using scheduled_notifications_due_at_index/)
    assert.doesNotMatch(text, /Seq Scan|Sort/)
    const startedMs = performance.now()
    assert.equal((await take()).length, 1)
    assert.ok(performance.now() - startedMs < 200, `${performance.now() - startedMs} ms`)
  })
})
