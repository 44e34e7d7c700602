import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { DeliveryState } from '../../src/domain/delivery-state.ts'
import type { FunnelDimension, FunnelRow } from '../../src/domain/funnel.ts'
import { createDeliveryReports } from '../../src/postgres/delivery-reports.ts'
import { createFunnelCounting, readFunnel, type FunnelCounting } from '../../src/postgres/funnel.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { insertDelivery } from '../support/builders/delivery-row.ts'
import { reportAt } from '../support/builders/reports.ts'
import { whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const hourMs = 3_600_000
const thisHour = Math.floor(Date.now() / hourMs) * hourMs

describe('the funnel', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let counting: FunnelCounting

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4, readsPartitions: true })
    counting = createFunnelCounting(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })
  beforeEach(async () => {
    await database.query('delete from deliveries')
    await database.query('delete from delivery_funnel')
    await database.query('delete from funnel_hours_to_count')
  })

  const read = (...splitBy: FunnelDimension[]): Promise<FunnelRow[]> =>
    readFunnel(pool, { fromMs: thisHour - 48 * hourMs, untilMs: thisHour + hourMs, splitBy, limit: 1_000 })
  const countsOf = async () => (await read()).map(({ counts }) => counts)[0]
  const insert = (state: DeliveryState, createdAtMs = thisHour + 1) =>
    insertDelivery(database, { state, hop: 1, createdAtMs })
  const marked = () => counting.markedHours(100)

  test('counts how far the deliveries of an hour came, and each report for itself', async () => {
    for (const state of [
      'routed',
      'retrying',
      'sent',
      'failed',
      'suppressed',
      'expired',
      'cancelled',
      'unknown',
    ] as const) {
      await insert(state)
    }
    const [opened, bounced] = [await insert('sent'), await insert('sent')]
    const reports = createDeliveryReports(pool)
    await reports.apply([reportAt(opened, 'opened', Date.now()), reportAt(bounced, 'bounced', Date.now())])
    await reports.apply([reportAt(bounced, 'delivered', Date.now())])
    await counting.countHour(thisHour)
    assert.deepEqual(await countsOf(), {
      planned: 10,
      sent: 3,
      delivered: 1,
      bounced: 1,
      opened: 1,
      clicked: 0,
      unsubscribed: 0,
      failed: 1,
      suppressed: 1,
      expired: 1,
      cancelled: 1,
      unknown: 1,
    })
  })

  test('counted again is the same, and what has changed is counted as it is then', async () => {
    const deliveryId = await insert('sent')
    for (let time = 0; time < 3; time += 1) await counting.countHour(thisHour)
    assert.deepEqual([(await countsOf())?.sent, (await countsOf())?.delivered], [1, 0])
    await createDeliveryReports(pool).apply([reportAt(deliveryId, 'delivered', Date.now())])
    await counting.countHour(thisHour)
    assert.deepEqual([(await countsOf())?.sent, (await countsOf())?.delivered], [1, 1])
  })

  test('counts an hour by its events, to the millisecond', async () => {
    for (const createdAtMs of [thisHour - 1, thisHour, thisHour + hourMs - 1, thisHour + hourMs]) {
      await insert('sent', createdAtMs)
    }
    await counting.countHour(thisHour)
    assert.equal((await countsOf())?.planned, 2)
  })

  test('is split by what is asked for, in order, and sums the rest', async () => {
    await insert('sent')
    await insert('sent', thisHour - hourMs)
    const other = await insert('failed')
    await database.query(`update deliveries set category = 'offers', template_id = 'offer' where delivery_id = $1`, [
      other,
    ])
    await counting.countHour(thisHour)
    await counting.countHour(thisHour - hourMs)
    const cells = async (...splitBy: FunnelDimension[]) =>
      (await read(...splitBy)).map(({ beginsAtMs, templateId, category, channel, counts }) =>
        [beginsAtMs, templateId, category, channel, counts.planned].filter((cell) => cell !== null),
      )
    assert.deepEqual(await cells(), [[3]])
    assert.deepEqual(await cells('hour'), [
      [thisHour - hourMs, 1],
      [thisHour, 2],
    ])
    assert.deepEqual(await cells('template', 'category', 'channel'), [
      ['offer', 'offers', 'sms', 1],
      ['receipt', 'receipts', 'sms', 2],
    ])
    const day = (at: number) => Math.floor(at / (24 * hourMs)) * 24 * hourMs
    const days = new Set([day(thisHour - hourMs), day(thisHour)])
    assert.deepEqual(
      (await cells('day')).map(([at]) => at),
      [...days],
    )
  })

  test('marks the hours in which a row has changed since, whoever changed it', async () => {
    const changed = await insert('sent', thisHour - hourMs)
    await insert('sent')
    await database.query(`update deliveries set updated_at = now() - interval '1 hour'`)
    await database.query(`update deliveries set updated_at = now(), state = 'expired' where delivery_id = $1`, [
      changed,
    ])
    const sinceMs = (await counting.databaseNow()) - 60_000
    const dayOfChange = new Date(thisHour - hourMs).toISOString().slice(0, 10)
    await counting.markChangedHours(dayOfChange, sinceMs)
    assert.deepEqual(await marked(), [thisHour - hourMs])
    await counting.countHour(thisHour - hourMs)
    assert.deepEqual(await marked(), [])
  })

  test('counts the present hours first and the others in the order of their marks', async () => {
    const reports = createDeliveryReports(pool)
    const [old, older] = [thisHour - 10 * hourMs, thisHour - 30 * hourMs]
    for (const hour of [old, older, thisHour - hourMs, thisHour]) await reports.markHours([hour])
    assert.deepEqual((await marked()).slice(2), [old, older])
    assert.deepEqual(new Set((await marked()).slice(0, 2)), new Set([thisHour - hourMs, thisHour]))
    assert.equal((await counting.markedHours(3)).length, 3)
  })

  test('keeps a mark that comes while the hour is counted', async () => {
    const deliveryId = await insert('sent')
    const reports = createDeliveryReports(pool)
    await reports.markHours([thisHour])
    await whileHeldOpen(
      { database, pool },
      (held) => createFunnelCounting(held).countHour(thisHour),
      async () => {
        await reports.apply([reportAt(deliveryId, 'delivered', Date.now())])
        await reports.markHours([thisHour])
      },
    )
    assert.deepEqual(await marked(), [thisHour])
    await counting.countHour(thisHour)
    assert.equal((await countsOf())?.delivered, 1)
  })

  test('forgets the mark of an hour whose rows are gone, and not its count', async () => {
    await insert('sent')
    await counting.countHour(thisHour)
    await createDeliveryReports(pool).markHours([thisHour])
    await counting.unmarkHour(thisHour)
    assert.deepEqual([await marked(), (await countsOf())?.planned], [[], 1])
  })
})
