import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { NewLogEntry } from '../../src/domain/notification-log.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog, type NotificationLog } from '../../src/postgres/notification-log.ts'
import { findOpenNotifications } from '../../src/postgres/open-notifications.ts'
import { dayMs, deferredEntry, logEntry } from '../support/builders/log-entry.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('open notifications in Postgres', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let log: NotificationLog
  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
    log = createNotificationLog(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const now = Date.now()
  const idsOf = async (...userIds: readonly number[]) => {
    const found = await findOpenNotifications(pool, { userIds, sinceMs: now - 2 * dayMs, after: null, limit: 100 })
    return new Set(found.map(({ key }) => key.notificationId))
  }

  async function routedIn(state: string, userId: number, reason: string | null = null): Promise<NewLogEntry> {
    const entry = logEntry({ userId })
    await log.record([entry])
    await database.query('update deliveries set state = $2::delivery_state, reason = $3 where notification_id = $1', [
      entry.notificationId,
      state,
      reason,
    ])
    return entry
  }

  test('are those of which something may still be sent, or an operator may bring back, or a cancel may be untold', async () => {
    const open = [
      await routedIn('routed', 1),
      await routedIn('claimed', 1),
      await routedIn('retrying', 1),
      await routedIn('unknown', 1),
      await routedIn('cancelled', 1),
      await routedIn('failed', 1, 'attempts_exhausted'),
      deferredEntry({ userId: 1 }, now + dayMs),
    ]
    await log.record(open.slice(-1))
    for (const state of ['sent', 'delivered', 'suppressed', 'expired', 'clicked']) await routedIn(state, 1)
    await routedIn('failed', 1, 'invalid_address')
    await routedIn('routed', 2)
    assert.deepEqual(await idsOf(1), new Set(open.map(({ notificationId }) => notificationId)))
  })

  test('that were cancelled while they waited are found again; one that never came is not', async () => {
    const waiting = deferredEntry({ userId: 3 }, now + dayMs)
    await log.record([waiting])
    await log.cancel({ key: waiting, userId: 3 })
    await log.cancel({ key: logEntry(), userId: 3 })
    assert.deepEqual(await idsOf(3), new Set([waiting.notificationId]))
  })

  test('of several people and days come in pages, each once, in the order of their keys, and none from before', async () => {
    const entries = [now - 3 * dayMs, now - dayMs, now - dayMs, now, now].map((createdAtMs, index) =>
      deferredEntry({ userId: 4 + (index % 2), createdAtMs }, now + dayMs),
    )
    await log.record(entries)
    const pages: string[] = []
    let after = null
    for (;;) {
      const page: Awaited<ReturnType<typeof findOpenNotifications>> = await findOpenNotifications(pool, {
        userIds: [4, 5],
        sinceMs: now - 2 * dayMs,
        after,
        limit: 3,
      })
      pages.push(...page.map(({ key }) => `${key.day} ${key.notificationId}`))
      after = page.at(-1)?.key ?? null
      if (page.length < 3) break
    }
    const expected = entries.slice(1).map(({ day, notificationId }) => `${day} ${notificationId}`)
    assert.deepEqual(pages, expected.toSorted())
  })
})
