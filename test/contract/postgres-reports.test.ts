import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { mergeReports, type DeliveryReport, type ReportedState } from '../../src/domain/delivery-report.ts'
import { deliveryStates, type DeliveryState } from '../../src/domain/delivery-state.ts'
import { createDeliveries, type Deliveries } from '../../src/postgres/deliveries.ts'
import { createDeliveryReports, type DeliveryReports } from '../../src/postgres/delivery-reports.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { claimContext, claimRequest, settlement } from '../support/builders/claim.ts'
import { insertDelivery, progressOf } from '../support/builders/delivery-row.ts'
import { dayMs, plannedDelivery } from '../support/builders/log-entry.ts'
import { anyReport, reportAt } from '../support/builders/reports.ts'
import { countingRoundTrips, whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const claimedAtHop1 = { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: 60_000 } as const
const reportedStates: readonly ReportedState[] = ['delivered', 'bounced', 'opened', 'clicked', 'unsubscribed']

/** What reports write. */
interface Reported {
  state: DeliveryState
  reason: string | null
  delivered: number | null
  bounced: number | null
  opened: number | null
  clicked: number | null
  unsubscribed: number | null
}

describe('a report', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let reports: DeliveryReports
  let deliveries: Deliveries

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    reports = createDeliveryReports(pool)
    deliveries = createDeliveries(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  async function reportedOf(deliveryId: string): Promise<Reported> {
    const ms = (column: string) => `(extract(epoch from ${column}_at) * 1000)::float8 as ${column}`
    const columns = ['delivered', 'bounced', 'opened', 'clicked', 'unsubscribed'].map(ms).join(', ')
    const [row] = await database.query<Reported>(
      `select state, reason, ${columns} from deliveries where delivery_id = $1`,
      [deliveryId],
    )
    return row!
  }

  const stateAfter = async (deliveryId: string, ...given: readonly DeliveryReport[]) => {
    for (const report of given) await reports.apply([report])
    return (await progressOf(database, deliveryId)).state
  }

  for (const reported of reportedStates) {
    test(`of ${reported} moves only what ranks lower`, async () => {
      for (const before of deliveryStates) {
        const deliveryId = await insertDelivery(database, { state: before, hop: 1, reason: 'refused' })
        const rises = deliveryStates.indexOf(reported) > deliveryStates.indexOf(before)
        const state = await stateAfter(deliveryId, reportAt(deliveryId, reported, Date.now()))
        assert.equal(state, rises ? reported : before, before)
      }
    })
  }

  test('leaves a row in any order, and however often, as the merged reports say', async () => {
    const untouched = await insertDelivery(database, { state: 'sent', hop: 1 })
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(anyReport(untouched), { minLength: 1, maxLength: 5 })
          .chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray([...given, ...given], { minLength: 1 }))),
        async ([given, again]) => {
          const deliveryId = await insertDelivery(database, { state: 'sent', hop: 1 })
          for (const report of [...again, ...given]) await reports.apply([{ ...report, deliveryId }])
          const merged = given.reduce(mergeReports)
          assert.deepEqual(await reportedOf(deliveryId), {
            state: merged.state,
            reason: merged.state === 'bounced' ? merged.bounceReason : null,
            delivered: merged.deliveredAt,
            bounced: merged.bouncedAt,
            opened: merged.openedAt,
            clicked: merged.clickedAt,
            unsubscribed: merged.unsubscribedAt,
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('that comes before the settlement is proof of the acceptance: the lease ends, the attempt counts', async () => {
    const deliveryId = await insertDelivery(database, { ...claimedAtHop1, attempt: 1, reason: null })
    await reports.apply([reportAt(deliveryId, 'delivered', Date.now())])
    const row = await progressOf(database, deliveryId)
    assert.deepEqual(
      [row.state, row.attempt, row.lease_owner, row.provider_message_id],
      ['delivered', 2, null, 'message-1'],
    )
    const [settled] = await deliveries.settle([settlement({ deliveryId })])
    assert.deepEqual([settled?.moved, settled?.state, settled?.attempt], [false, 'delivered', 2])
  })

  test('ends a wait for the next attempt: its record finds the delivery accepted', async () => {
    const deliveryId = await insertDelivery(database, {
      state: 'retrying',
      hop: 1,
      reason: 'ambiguous',
      nextDueInMs: 60_000,
    })
    await reports.apply([reportAt(deliveryId, 'opened', Date.now())])
    assert.deepEqual((await progressOf(database, deliveryId)).next_due_at, null)
    assert.equal((await progressOf(database, deliveryId)).reason, null)
    const [verdict] = await deliveries.claim(claimContext(), [claimRequest({ deliveryId, hop: 2 })])
    assert.equal(verdict?.action, 'republish')
  })

  test('settles what was held for a person, and what was given up', async () => {
    for (const state of ['unknown', 'expired', 'failed'] as const) {
      const deliveryId = await insertDelivery(database, { state, hop: 1, reason: 'ambiguous' })
      assert.equal(await stateAfter(deliveryId, reportAt(deliveryId, 'delivered', Date.now())), 'delivered')
      assert.equal((await progressOf(database, deliveryId)).reason, null)
    }
  })

  test('that waits for a settlement finds what it wrote', async () => {
    const deliveryId = await insertDelivery(database, claimedAtHop1)
    await whileHeldOpen(
      { database, pool },
      (held) => createDeliveries(held).settle([settlement({ deliveryId, providerMessageId: 'SM1' })]),
      () => reports.apply([reportAt(deliveryId, 'delivered', Date.now())]),
    )
    const row = await progressOf(database, deliveryId)
    assert.deepEqual([row.state, row.attempt, row.provider_message_id], ['delivered', 1, 'SM1'])
  })

  test('says nothing the second time', async () => {
    const deliveryId = await insertDelivery(database, { state: 'sent', hop: 1 })
    const report = reportAt(deliveryId, 'bounced', Date.now(), 'invalid_address')
    assert.deepEqual(await reports.apply([report]), [deliveryId])
    assert.deepEqual(await reports.apply([report]), [])
    assert.deepEqual(await reports.apply([{ ...report, bouncedAt: Date.now() + 5_000 }]), [])
  })

  test('keeps the first message id, and takes whatever characters it holds', async () => {
    const deliveryId = await insertDelivery(database, { state: 'sent', hop: 1 })
    const report = { ...reportAt(deliveryId, 'delivered', 1), provider: 'a\u0000b', providerMessageId: 'x\u0000"{}\\' }
    await reports.apply([report])
    await reports.apply([{ ...report, providerMessageId: 'other' }])
    const row = await progressOf(database, deliveryId)
    assert.deepEqual([row.provider, row.provider_message_id], ['ab', 'x"{}\\'])
  })

  test('of a chunk is one round trip a day, and passes over a delivery without a row', async () => {
    const today = await insertDelivery(database, { state: 'sent', hop: 1 })
    const yesterday = await insertDelivery(database, { state: 'sent', hop: 1, createdAtMs: Date.now() - dayMs })
    const ids = { notificationId: randomUUID(), source: 'shop', createdAtMs: Date.now() }
    const all = [yesterday, plannedDelivery(ids).deliveryId, today]
    const counted = countingRoundTrips(pool)
    const counting = createDeliveryReports(counted)
    assert.deepEqual(new Set((await counting.find(all)).keys()), new Set([yesterday, today]))
    assert.equal(counted.roundTrips(), 2)
    const changed = await counting.apply(all.map((deliveryId) => reportAt(deliveryId, 'delivered', Date.now())))
    assert.deepEqual(new Set(changed), new Set([yesterday, today]))
    assert.equal(counted.roundTrips(), 4)
  })

  test('finds a delivery with whom it went to, and asks for no day that cannot be', async () => {
    const deliveryId = await insertDelivery(database, { state: 'sent', hop: 1 })
    const impossible = `ffffffff-ffff-8000-8000-${'0'.repeat(12)}`
    const found = await reports.find([deliveryId, deliveryId, impossible])
    assert.deepEqual([...found.keys()], [deliveryId])
    assert.equal(found.get(deliveryId)?.address, '+14155550100')
  })

  test('refuses a call that names one delivery twice', async () => {
    const deliveryId = await insertDelivery(database, { state: 'sent', hop: 1 })
    const report = reportAt(deliveryId, 'delivered', 1)
    await assert.rejects(reports.apply([report, { ...report, state: 'opened' }]))
  })

  test('marks the hour of its event once', async () => {
    const hourMs = Date.UTC(2026, 8, 21, 8)
    await reports.markHours([hourMs + 1, hourMs + 3_599_999])
    await reports.markHours([hourMs + 7, hourMs + 3_600_000])
    const rows = await database.query<{ hour: Date }>('select hour from funnel_hours_to_count order by hour')
    assert.deepEqual(
      rows.map(({ hour }) => hour.getTime()),
      [hourMs, hourMs + 3_600_000],
    )
  })
})
