import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { deliveryStates } from '../../src/domain/delivery-state.ts'
import { createDeliveries, type Deliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { claimContext, claimRequest, settlement } from '../support/builders/claim.ts'
import { insertDelivery, progressOf } from '../support/builders/delivery-row.ts'
import { dayMs, plannedDelivery } from '../support/builders/log-entry.ts'
import { countingRoundTrips, whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const claimedAtHop1 = { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: 60_000 } as const
const settledStates = ['sent', 'retrying', 'failed', 'expired', 'unknown'] as const

describe('a settlement', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let deliveries: Deliveries

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    deliveries = createDeliveries(pool)
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const settle = async (choices: Parameters<typeof settlement>[0]) =>
    (await deliveries.settle([settlement(choices)]))[0]!

  test('writes the outcome, frees the lease and counts the attempt', async () => {
    const deliveryId = await insertDelivery(database, { ...claimedAtHop1, attempt: 1 })
    const settled = await settle({ deliveryId, provider: 'vonage', providerMessageId: 'abc' })
    assert.deepEqual(settled, {
      deliveryId,
      moved: true,
      state: 'sent',
      hop: 1,
      attempt: 2,
      reason: null,
      nextDueAtMs: null,
      provider: 'vonage',
    })
    const row = await progressOf(database, deliveryId)
    assert.equal(row.provider_message_id, 'abc')
    assert.equal(row.lease_owner, null)
    assert.equal(row.leased, null)
  })

  test('keeps when and why the delivery is tried again, and spends no attempt unless told', async () => {
    const deliveryId = await insertDelivery(database, claimedAtHop1)
    const nextDueAtMs = Date.now() + 61_001
    const waiting = {
      state: 'retrying',
      reason: 'throttled',
      attemptsSpent: 0,
      nextDueAtMs,
      providerMessageId: null,
    } as const
    const settled = await settle({ deliveryId, ...waiting })
    assert.deepEqual([settled.state, settled.reason, settled.attempt], ['retrying', 'throttled', 0])
    assert.equal(settled.nextDueAtMs, nextDueAtMs)
  })

  test('repeated, moves nothing, counts nothing and answers the row again', async () => {
    const deliveryId = await insertDelivery(database, claimedAtHop1)
    const outcome = { deliveryId, state: 'retrying', nextDueAtMs: Date.now() + 5_000, providerMessageId: null } as const
    const first = await settle(outcome)
    assert.deepEqual(await settle(outcome), { ...first, moved: false })
    assert.equal(first.attempt, 1)
  })

  for (const state of settledStates) {
    test(`as ${state} moves only what ranks lower`, async () => {
      for (const before of deliveryStates) {
        const deliveryId = await insertDelivery(database, {
          state: before,
          hop: 1,
          reason: 'refused',
          providerMessageId: 'first',
        })
        const settled = await settle({ deliveryId, state, reason: 'ambiguous' })
        const rises = deliveryStates.indexOf(state) > deliveryStates.indexOf(before)
        const expected = rises
          ? { moved: true, state, reason: 'ambiguous', attempt: 1 }
          : { moved: false, state: before, reason: 'refused', attempt: 0 }
        assert.deepEqual({ ...settled, ...expected }, settled, `${before} → ${state}`)
        assert.equal((await progressOf(database, deliveryId)).provider_message_id, 'first')
      }
    })
  }

  test('of a hop that the row has left behind, or not reached, changes nothing', async () => {
    const deliveryId = await insertDelivery(database, { ...claimedAtHop1, hop: 2 })
    for (const hop of [1, 3]) {
      const settled = await settle({ deliveryId, hop })
      assert.deepEqual([settled.moved, settled.state, settled.hop], [false, 'claimed', 2])
    }
    assert.equal((await progressOf(database, deliveryId)).leased, true)
  })

  test('that accepts late wins while the next hop is unclaimed', async () => {
    const deliveryId = await insertDelivery(database, { ...claimedAtHop1, leaseEndsInMs: -5 })
    const [verdict] = await deliveries.claim(claimContext(), [claimRequest({ deliveryId })])
    assert.equal(verdict?.action, 'unknown')
    assert.equal((await settle({ deliveryId, hop: 1 })).state, 'sent')
    const [next] = await deliveries.claim(claimContext(), [claimRequest({ deliveryId, hop: 2 })])
    assert.equal(next?.action, 'republish')
  })

  test('that accepts after the next hop was claimed changes nothing', async () => {
    const deliveryId = await insertDelivery(database, { state: 'retrying', hop: 1 })
    await deliveries.claim(claimContext(), [claimRequest({ deliveryId, hop: 2 })])
    assert.equal((await settle({ deliveryId, hop: 1 })).moved, false)
    assert.equal((await progressOf(database, deliveryId)).state, 'claimed')
  })

  test('that waits for a claim of the next hop finds itself fenced off', async () => {
    const deliveryId = await insertDelivery(database, { state: 'retrying', hop: 1 })
    const [, settled] = await whileHeldOpen(
      { database, pool },
      (held) => createDeliveries(held).claim(claimContext(), [claimRequest({ deliveryId, hop: 2 })]),
      () => settle({ deliveryId, hop: 1 }),
    )
    assert.equal(settled.moved, false)
    const row = await progressOf(database, deliveryId)
    assert.deepEqual([row.state, row.hop, row.leased], ['claimed', 2, true])
  })

  test('brings the provider’s message id to a row that feedback moved first, and keeps the first one', async () => {
    const deliveryId = await insertDelivery(database, { ...claimedAtHop1, state: 'delivered' })
    const settled = await settle({ deliveryId, providerMessageId: 'one' })
    assert.deepEqual([settled.moved, settled.state, settled.provider], [false, 'delivered', 'twilio'])
    await settle({ deliveryId, providerMessageId: 'two', provider: 'vonage' })
    const row = await progressOf(database, deliveryId)
    assert.deepEqual([row.provider_message_id, row.provider, row.lease_owner], ['one', 'twilio', null])
  })

  test('takes whatever characters a provider’s message id holds', async () => {
    const deliveryId = await insertDelivery(database, claimedAtHop1)
    await settle({ deliveryId, providerMessageId: 'a\u0000b\ud800"{}\\,' })
    assert.equal((await progressOf(database, deliveryId)).provider_message_id, 'ab\ufffd"{}\\,')
  })

  test('of a chunk is one round trip a day, and answers nothing for a delivery without a row', async () => {
    const today = await insertDelivery(database, claimedAtHop1)
    const yesterday = await insertDelivery(database, { ...claimedAtHop1, createdAtMs: Date.now() - dayMs })
    const ids = { notificationId: randomUUID(), source: 'shop', createdAtMs: Date.now() }
    const settlements = [yesterday, plannedDelivery(ids).deliveryId, today].map((deliveryId) =>
      settlement({ deliveryId }),
    )
    const counted = countingRoundTrips(pool)
    assert.deepEqual(
      (await createDeliveries(counted).settle(settlements)).map((settled) => settled.deliveryId),
      [yesterday, today],
    )
    assert.equal(counted.roundTrips(), 2)
  })

  test('refuses a call that names one delivery twice', async () => {
    const deliveryId = await insertDelivery(database, claimedAtHop1)
    await assert.rejects(deliveries.settle([settlement({ deliveryId }), settlement({ deliveryId, state: 'failed' })]))
    assert.equal((await progressOf(database, deliveryId)).state, 'claimed')
  })
})
