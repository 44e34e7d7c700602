import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { dayOf } from '../../src/domain/identity.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog, type NotificationLog } from '../../src/postgres/notification-log.ts'
import { dayMs, deferredEntry, logEntry, plannedDelivery } from '../support/builders/log-entry.ts'
import { countingRoundTrips, whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('the notification log', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let log: NotificationLog

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    log = createNotificationLog(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  function deliveriesOf(notificationId: string) {
    return database.query<{ source: string; channel: string; state: string }>(
      'select source, channel, state from deliveries where notification_id = $1 order by source, channel',
      [notificationId],
    )
  }

  test('gives back all that was recorded, with the states of its deliveries, so that it can be forwarded again', async () => {
    const ids = { notificationId: randomUUID(), source: 'shop', createdAtMs: Date.now() }
    const push = { channel: 'ios', deviceId: randomUUID(), address: 'token' } as const
    const quiet = {
      quietFrom: ids.createdAtMs + 1,
      quietUntil: ids.createdAtMs + 2_003,
      unknownPolicy: 'hold',
    } as const
    const lane = 'bulk' as const
    const entry = logEntry({
      ...ids,
      coordinates: { lane, partition: 11, offset: 2n ** 40n },
      decision: {
        deliveries: [
          plannedDelivery({ ...ids, lane, channel: 'email' }),
          plannedDelivery({ ...ids, lane, ...push, ...quiet }),
        ],
        suppressedChannels: [{ channel: 'sms', reason: 'no_address' }],
      },
    })
    const { notificationId, source, day } = entry
    assert.deepEqual(await log.record([entry]), [{ notificationId, source, day }])
    const [email, ios] = entry.decision.deliveries
    assert.deepEqual(await log.lookUp([entry]), [
      {
        notificationId,
        source,
        day,
        coordinates: entry.coordinates,
        pass: 0,
        decidedAtMs: entry.decidedAtMs,
        cancelledAtMs: null,
        decision: entry.decision,
        contentHash: Buffer.from(entry.contentHash),
        stateOf: { [email!.deliveryId]: 'routed', [ios!.deliveryId]: 'routed' },
      },
    ])
    const [row] = await database.query(
      'select lane, category, routed_at, created_at from deliveries where channel = $1',
      ['ios'],
    )
    assert.deepEqual(row, {
      lane: 'bulk',
      category: 'receipts',
      routed_at: new Date(entry.decidedAtMs),
      created_at: new Date(entry.createdAtMs),
    })
  })

  test('keeps what the first writer wrote, and tells a redelivery from a duplicate by the coordinates', async () => {
    const first = logEntry({ coordinates: { lane: 'bulk', partition: 1, offset: 10n } })
    const duplicate = { ...first, userId: 8, coordinates: { lane: 'bulk', partition: 1, offset: 11n } as const }
    assert.equal((await log.record([first])).length, 1)
    assert.deepEqual(await log.record([first]), [])
    assert.deepEqual(await log.record([duplicate]), [])
    const [found, ...others] = await log.lookUp([first])
    assert.deepEqual(found?.coordinates, first.coordinates)
    assert.deepEqual(others, [])
    assert.equal((await deliveriesOf(first.notificationId)).length, 1)
  })

  test('returns the winners only', async () => {
    const lost = logEntry()
    const won = logEntry()
    await log.record([lost])
    assert.deepEqual(
      (await log.record([lost, won])).map((key) => key.notificationId),
      [won.notificationId],
    )
  })

  test('lets one of two concurrent writers win, and the other finds the winner’s row', async () => {
    const first = logEntry({ coordinates: { lane: 'bulk', partition: 0, offset: 1n } })
    const second = { ...first, coordinates: { lane: 'bulk', partition: 0, offset: 2n } as const }
    const [won, lost] = await whileHeldOpen(
      { database, pool },
      (held) => createNotificationLog(held).record([first]),
      () => log.record([second]),
    )
    assert.equal(won.length, 1)
    assert.deepEqual(lost, [])
    assert.equal((await log.lookUp([second]))[0]?.coordinates.offset, 1n)
  })

  test('refuses a forged pass: one above 0 that continues no row', async () => {
    const forged = logEntry({ pass: 3 })
    assert.deepEqual(await log.record([forged]), [])
    assert.deepEqual(await log.lookUp([forged]), [])
    assert.deepEqual(await deliveriesOf(forged.notificationId), [])
  })

  test('continues a deferral by the next pass, once, and nothing else', async () => {
    const deferred = deferredEntry()
    const next = (pass: number, offset: bigint) => ({
      ...logEntry({ ...deferred, resumption: null }),
      decision: logEntry({ ...deferred, decision: {} }).decision,
      pass,
      coordinates: { lane: 'bulk', partition: 0, offset } as const,
    })
    await log.record([deferred])
    assert.deepEqual(await log.record([next(2, 20n)]), [], 'a pass was skipped')
    assert.deepEqual(await log.record([next(0, 21n)]), [], 'the same pass again')
    assert.equal((await log.record([next(1, 22n)])).length, 1)
    assert.deepEqual(await log.record([next(1, 23n)]), [], 'a resumption published twice')
    assert.deepEqual(await log.record([next(2, 24n)]), [], 'a pass after one that routed')
    const [found] = await log.lookUp([deferred])
    assert.equal(found?.pass, 1)
    assert.equal(found.coordinates.offset, 22n)
    assert.equal(found.decision.kind, 'routed')
    assert.equal((await deliveriesOf(deferred.notificationId)).length, 1)
  })

  test('continues no deferral that was cancelled', async () => {
    const deferred = deferredEntry()
    await log.record([deferred])
    await database.query('update notifications set cancelled_at = now() where notification_id = $1', [
      deferred.notificationId,
    ])
    assert.deepEqual(await log.record([{ ...deferred, pass: 1 }]), [])
  })

  test('refuses a call that names one notification twice', async () => {
    const entry = logEntry()
    await assert.rejects(log.record([entry, { ...entry, notificationId: entry.notificationId.toUpperCase() }]))
    assert.deepEqual(await log.lookUp([entry]), [])
  })

  test('keeps the deliveries of two sources with the same id apart, also when one of them loses', async () => {
    const notificationId = randomUUID()
    const createdAtMs = Date.now()
    const entryOf = (source: string, channel: 'sms' | 'email') =>
      logEntry({
        notificationId,
        source,
        createdAtMs,
        decision: { deliveries: [plannedDelivery({ notificationId, source, createdAtMs, channel })] },
      })
    const lost = entryOf('bank', 'email')
    await log.record([lost])
    await database.query('delete from deliveries where notification_id = $1', [notificationId])
    assert.deepEqual(
      (await log.record([lost, entryOf('shop', 'sms')])).map((key) => key.source),
      ['shop'],
    )
    assert.deepEqual(await deliveriesOf(notificationId), [{ source: 'shop', channel: 'sms', state: 'routed' }])
    const found = await log.lookUp([{ notificationId, source: 'shop', day: lost.day }])
    assert.deepEqual(
      found.map((entry) => entry.source),
      ['shop'],
    )
  })

  test('finds an id on the day before and the day after, but no further', async () => {
    const createdAtMs = Date.now()
    const entry = logEntry({ createdAtMs })
    await log.record([entry])
    const foundFrom = async (distance: number) =>
      (await log.lookUp([{ ...entry, day: dayOf(createdAtMs + distance * dayMs) }])).length
    assert.deepEqual(await Promise.all([-2, -1, 0, 1, 2].map(foundFrom)), [0, 1, 1, 1, 0])
  })

  test('looks up keys of distant days in one round trip and mixes none of them up', async () => {
    const entries = [logEntry({ createdAtMs: Date.now() - 6 * dayMs }), logEntry()]
    const counted = countingRoundTrips(pool)
    const countedLog = createNotificationLog(counted)
    await countedLog.record(entries)
    assert.equal(counted.roundTrips(), 2, 'one record statement per day')
    const [old, recent] = entries
    const found = await countedLog.lookUp([old!, recent!, { ...old!, day: recent!.day }])
    assert.equal(counted.roundTrips(), 3)
    assert.deepEqual(
      found.map((entry) => entry.day).toSorted(),
      entries.map((entry) => entry.day),
    )
    assert.deepEqual(await countedLog.lookUp([{ ...old!, day: recent!.day }]), [])
  })

  test('records 500 notifications of a day in one round trip, and nothing in none', async () => {
    const counted = countingRoundTrips(pool)
    const createdAtMs = Date.now()
    const entries = Array.from({ length: 500 }, () => logEntry({ createdAtMs }))
    assert.equal((await createNotificationLog(counted).record(entries)).length, 500)
    assert.equal(counted.roundTrips(), 1)
    assert.deepEqual(await createNotificationLog(counted).record([]), [])
    assert.deepEqual(await createNotificationLog(counted).lookUp([]), [])
    assert.equal(counted.roundTrips(), 1)
  })

  test('waits for a day whose partition is missing, and takes it for no fault of the record', async () => {
    const createdAtMs = Date.now() + 400 * dayMs
    const entry = logEntry({ createdAtMs })
    await assert.rejects(log.record([entry]), { name: 'DependencyUnavailable', code: 'missing_partition' })
  })

  test('logs refused requests of users that cannot exist', async () => {
    const refused = (userId: number) =>
      logEntry({ userId, decision: { kind: 'failed', reason: 'invalid_user_id', deliveries: [] } })
    assert.equal((await log.record([refused(0), refused(-1), refused(Number.MAX_SAFE_INTEGER)])).length, 3)
  })

  test('answers in the form in which an id was asked for', async () => {
    const notificationId = randomUUID().toUpperCase()
    const entry = logEntry({ notificationId })
    assert.equal((await log.record([entry]))[0]?.notificationId, notificationId)
    assert.equal((await log.lookUp([entry]))[0]?.notificationId, notificationId)
  })
})
