import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { createTimelines } from '../../src/postgres/timeline.ts'
import { claimContext, claimRequest, settlement } from '../support/builders/claim.ts'
import { dayMs, logEntry, plannedDelivery } from '../support/builders/log-entry.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('a timeline', () => {
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

  test('tells the decision and how far each delivery came, and no address', async () => {
    const ids = { notificationId: randomUUID(), source: 'shop', createdAtMs: Date.now() }
    const entry = logEntry({
      ...ids,
      decision: {
        deliveries: [plannedDelivery({ ...ids, channel: 'email' }), plannedDelivery({ ...ids, channel: 'sms' })],
        suppressedChannels: [{ channel: 'push', reason: 'no_address' }],
      },
    })
    const [email, sms] = entry.decision.deliveries.map((delivery) => delivery.deliveryId)
    await createNotificationLog(pool).record([entry])
    const deliveries = createDeliveries(pool)
    await deliveries.claim(claimContext(), [claimRequest({ deliveryId: sms! })])
    await deliveries.settle([settlement({ deliveryId: sms!, providerMessageId: 'SM9' })])
    const timelines = await createTimelines(pool).loadTimeline(ids.notificationId)
    const [timeline] = timelines
    assert.equal(timelines.length, 1)
    assert.deepEqual(
      { ...timeline, deliveries: [] },
      {
        notificationId: ids.notificationId,
        source: 'shop',
        day: entry.day,
        userId: 7,
        category: 'receipts',
        lane: 'transactional',
        pass: 0,
        decision: 'routed',
        reason: null,
        detail: null,
        deferredUntilMs: null,
        suppressedChannels: [{ channel: 'push', reason: 'no_address' }],
        createdAtMs: entry.createdAtMs,
        decidedAtMs: entry.decidedAtMs,
        cancelledAtMs: null,
        deliveries: [],
      },
    )
    assert.deepEqual(
      timeline?.deliveries.map((delivery) => ({ ...delivery, updatedAtMs: 0 })),
      [
        {
          deliveryId: email,
          channel: 'email',
          state: 'routed',
          hop: 0,
          attempt: 0,
          provider: null,
          providerMessageId: null,
        },
        {
          deliveryId: sms,
          channel: 'sms',
          state: 'sent',
          hop: 1,
          attempt: 1,
          provider: 'twilio',
          providerMessageId: 'SM9',
        },
      ].map((told) => ({
        ...told,
        templateId: 'receipt',
        templateVersion: 3,
        locale: 'en',
        reason: null,
        leaseUntilMs: null,
        nextDueAtMs: null,
        expiresAtMs: entry.createdAtMs + dayMs,
        updatedAtMs: 0,
        deliveredAtMs: null,
        bouncedAtMs: null,
        openedAtMs: null,
        clickedAtMs: null,
        unsubscribedAtMs: null,
      })),
    )
    assert.doesNotMatch(JSON.stringify(timelines), /\+1415/)
  })

  test('is found over all days, of every source or of one', async () => {
    const notificationId = randomUUID()
    const log = createNotificationLog(pool)
    await log.record([logEntry({ notificationId, createdAtMs: Date.now() - 5 * dayMs })])
    await log.record([logEntry({ notificationId })])
    await log.cancel({ key: { ...logEntry({ notificationId }), source: 'bank' }, userId: 9 })
    const timelines = createTimelines(pool)
    const told = async (source?: string) =>
      (await timelines.loadTimeline(notificationId, source)).map((row) => [
        row.source,
        row.decision,
        row.deliveries.length,
      ])
    assert.deepEqual(await told(), [
      ['shop', 'routed', 1],
      ['bank', 'cancelled', 0],
      ['shop', 'routed', 1],
    ])
    assert.deepEqual(await told('bank'), [['bank', 'cancelled', 0]])
    assert.deepEqual(await timelines.loadTimeline(randomUUID()), [])
  })
})
