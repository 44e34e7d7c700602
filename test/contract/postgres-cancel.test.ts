import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { DeliveryState } from '../../src/domain/delivery-state.ts'
import { noCoordinates, type NewLogEntry } from '../../src/domain/notification-log.ts'
import { createDeliveries, type Deliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog, type NotificationLog } from '../../src/postgres/notification-log.ts'
import { claimRequest, claimContext, settlement } from '../support/builders/claim.ts'
import { deferredEntry, logEntry, plannedDelivery } from '../support/builders/log-entry.ts'
import { whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('a cancel', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let log: NotificationLog
  let deliveries: Deliveries

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    log = createNotificationLog(pool)
    deliveries = createDeliveries(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const cancellationOf = (entry: NewLogEntry) => ({ key: entry, userId: entry.userId })
  const deliveryOf = (entry: NewLogEntry) => entry.decision.deliveries[0]!.deliveryId
  const claim = (entry: NewLogEntry) =>
    deliveries.claim(claimContext(), [claimRequest({ deliveryId: deliveryOf(entry) })])
  const stateOf = async (entry: NewLogEntry) => (await log.lookUp([entry]))[0]?.stateOf[deliveryOf(entry)]

  test('cancels what nobody has claimed, and the same cancel once more answers the same', async () => {
    const entry = logEntry()
    await log.record([entry])
    const cancellation = await log.cancel(cancellationOf(entry))
    assert.deepEqual(cancellation, {
      found: 'routed',
      pass: 0,
      category: 'receipts',
      deliveries: [
        {
          deliveryId: deliveryOf(entry),
          state: 'cancelled',
          channel: 'sms',
          category: 'receipts',
          lane: 'transactional',
          templateId: 'receipt',
          templateVersion: 3,
          locale: 'en',
          hop: 0,
          attempt: 0,
          provider: null,
        },
      ],
    })
    const [first] = await log.lookUp([entry])
    assert.deepEqual(await log.cancel(cancellationOf(entry)), cancellation)
    const [second] = await log.lookUp([entry])
    assert.equal(typeof first?.cancelledAtMs, 'number')
    assert.equal(second?.cancelledAtMs, first?.cancelledAtMs)
    assert.equal((await claim(entry))[0]?.action, 'republish')
  })

  test('leaves alone what is claimed or final', async () => {
    const ids = { notificationId: randomUUID(), source: 'shop', createdAtMs: Date.now() }
    const states: DeliveryState[] = ['routed', 'claimed', 'retrying', 'unknown', 'failed', 'sent', 'delivered']
    const planned = states.map(() => plannedDelivery({ ...ids, channel: 'ios', deviceId: randomUUID() }))
    const entry = logEntry({ ...ids, decision: { deliveries: planned } })
    await log.record([entry])
    for (const [index, state] of states.entries()) {
      await database.query('update deliveries set state = $2 where delivery_id = $1', [
        planned[index]!.deliveryId,
        state,
      ])
    }
    const { deliveries: after } = await log.cancel(cancellationOf(entry))
    const stateAfter = new Map(after.map((delivery) => [delivery.deliveryId, delivery.state]))
    assert.deepEqual(
      planned.map((delivery) => stateAfter.get(delivery.deliveryId)),
      ['cancelled', 'claimed', 'cancelled', 'unknown', 'failed', 'sent', 'delivered'],
    )
    const [row] = await log.lookUp([entry])
    assert.deepEqual(row?.stateOf, Object.fromEntries(stateAfter))
  })

  test('that comes before its request makes the request lose', async () => {
    const entry = logEntry()
    const found = await log.cancel(cancellationOf(entry))
    assert.deepEqual(found, { found: 'absent', pass: 0, category: null, deliveries: [] })
    assert.deepEqual(await log.record([entry]), [])
    const [row] = await log.lookUp([entry])
    assert.equal(row?.decision.kind, 'cancelled')
    assert.deepEqual(row.coordinates, noCoordinates)
    assert.notEqual(row.cancelledAtMs, null)
  })

  test('ends a deferral: its resumption loses, and it is no longer scheduled', async () => {
    const deferred = deferredEntry()
    await log.record([deferred])
    await database.query(
      `insert into scheduled_notifications (notification_id, source, day, pass, lane, user_id, due_at, record)
       values ($1, 'another', $2, 1, 'bulk', 7, now(), '')`,
      [deferred.notificationId, deferred.day],
    )
    assert.equal((await log.cancel(cancellationOf(deferred))).found, 'deferred')
    assert.deepEqual(await log.record([{ ...deferred, pass: 1 }]), [])
    assert.equal((await log.lookUp([deferred]))[0]?.decision.kind, 'cancelled')
    assert.deepEqual(
      await database.query('select source from scheduled_notifications where notification_id = $1', [
        deferred.notificationId,
      ]),
      [{ source: 'another' }],
    )
  })

  test('touches only the asking app’s notification', async () => {
    const entry = logEntry({ source: 'shop' })
    await log.record([entry])
    assert.equal((await log.cancel({ key: { ...entry, source: 'bank' }, userId: 7 })).found, 'absent')
    assert.equal(await stateOf(entry), 'routed')
  })

  test('that waited for a record in progress sees and cancels its deliveries', async () => {
    const entry = logEntry()
    const [winners, cancellation] = await whileHeldOpen(
      { database, pool },
      (held) => createNotificationLog(held).record([entry]),
      () => log.cancel(cancellationOf(entry)),
    )
    assert.equal(winners.length, 1)
    assert.equal(cancellation.found, 'routed')
    assert.deepEqual(
      cancellation.deliveries.map((delivery) => delivery.state),
      ['cancelled'],
    )
    assert.equal(await stateOf(entry), 'cancelled')
  })

  test('in progress makes the record that waits for it lose', async () => {
    const entry = logEntry()
    const [cancellation, winners] = await whileHeldOpen(
      { database, pool },
      (held) => createNotificationLog(held).cancel(cancellationOf(entry)),
      () => log.record([entry]),
    )
    assert.equal(cancellation.found, 'absent')
    assert.deepEqual(winners, [])
    assert.deepEqual((await log.lookUp([entry]))[0]?.decision.deliveries, [])
  })

  test('that waited for a claim in progress leaves the claimed delivery alone', async () => {
    const entry = logEntry()
    await log.record([entry])
    const request = claimRequest({ deliveryId: deliveryOf(entry) })
    const [verdicts, cancellation] = await whileHeldOpen(
      { database, pool },
      (held) => createDeliveries(held).claim(claimContext(), [request]),
      () => log.cancel(cancellationOf(entry)),
    )
    assert.equal(verdicts[0]?.action, 'claim')
    assert.deepEqual(
      cancellation.deliveries.map((delivery) => delivery.state),
      ['claimed'],
    )
    assert.equal(await stateOf(entry), 'claimed')
  })

  test('keeps what is claimed from being claimed again, should its call come to nothing', async () => {
    const entry = logEntry()
    await log.record([entry])
    await claim(entry)
    const { deliveries: found } = await log.cancel(cancellationOf(entry))
    assert.deepEqual(
      found.map(({ state }) => state),
      ['claimed'],
      'too late for this call',
    )
    const waits = settlement({ deliveryId: deliveryOf(entry), state: 'retrying', reason: 'throttled', provider: null })
    await deliveries.settle([{ ...waits, nextDueAtMs: Date.now() }])
    const next = claimRequest({ deliveryId: deliveryOf(entry), hop: 2 })
    const [verdict] = await deliveries.claim(claimContext(), [next])
    assert.equal(verdict?.action, 'cancelled')
    assert.deepEqual([verdict.row?.state, verdict.row?.reason], ['cancelled', 'cancelled'])
    assert.equal((await deliveries.claim(claimContext(), [next]))[0]?.action, 'republish')
  })

  test('in progress makes the claim that waits for it ask again, and then see the cancel', async () => {
    const entry = logEntry()
    await log.record([entry])
    const [cancellation, verdicts] = await whileHeldOpen(
      { database, pool },
      (held) => createNotificationLog(held).cancel(cancellationOf(entry)),
      () => claim(entry),
    )
    assert.equal(cancellation.deliveries[0]?.state, 'cancelled')
    assert.deepEqual(verdicts, [
      { deliveryId: deliveryOf(entry), action: 'again', attemptsMax: null, mandatory: false },
    ])
    const [again] = await claim(entry)
    assert.equal(again?.action, 'republish')
    assert.equal(again.row?.state, 'cancelled')
    assert.equal(again.row.reason, 'cancelled')
  })
})
