import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { claimActions, type ClaimRequest } from '../../src/domain/claim.ts'
import { createDeliveries, type Deliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { addressHash, claimContext, claimRequest } from '../support/builders/claim.ts'
import { insertDelivery, progressOf } from '../support/builders/delivery-row.ts'
import { dayMs } from '../support/builders/log-entry.ts'
import { insertCategory, insertUser, setCategory, setChannel, suppress } from '../support/builders/people.ts'
import { countingRoundTrips, whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  categoryOff,
  categoryOnAskedOnly,
  channelOff,
  channelOffCategoryOn,
  claimCases,
  claimed,
  mine,
  minuteMs,
  otherChannelOff,
  suppressedEverywhere,
  suppressedInEmail,
  suppressedInReceipts,
} from './postgres-claim-cases.ts'

describe('the claim', () => {
  let database: TestDatabase
  let pool: HotPathPool
  let deliveries: Deliveries

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    deliveries = createDeliveries(pool)
    await insertCategory(database, { name: 'receipts' })
    await insertCategory(database, { name: 'offers' })
    await insertCategory(database, { name: 'security', mandatory: true, optInDefault: false })
    await insertCategory(database, { name: 'asked-only', optInDefault: false })
    for (let userId = channelOff; userId <= otherChannelOff; userId += 1) await insertUser(database, userId)
    await setChannel(database, { userId: channelOff, channel: 'sms', optIn: false })
    await setChannel(database, { userId: channelOffCategoryOn, channel: 'sms', optIn: false })
    await setChannel(database, { userId: otherChannelOff, channel: 'email', optIn: false })
    await setCategory(database, { userId: categoryOff, category: 'receipts', channel: 'sms', optIn: false })
    await setCategory(database, { userId: channelOffCategoryOn, category: 'receipts', channel: 'sms', optIn: true })
    await setCategory(database, { userId: categoryOnAskedOnly, category: 'asked-only', channel: 'sms', optIn: true })
    await suppress(database, { channel: 'sms', addressHash: suppressedEverywhere, scope: 'all' })
    await suppress(database, { channel: 'sms', addressHash: suppressedInReceipts, scope: 'receipts' })
    await suppress(database, { channel: 'email', addressHash: suppressedInEmail, scope: 'all' })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const claim = async (request: ClaimRequest, owner = mine) =>
    (await deliveries.claim(claimContext({ owner }), [request]))[0]!

  for (const { because, row, record, action, leaves } of claimCases) {
    test(`answers ${action}: ${because}`, async () => {
      const deliveryId = await insertDelivery(database, row ?? {})
      if (row === null) await database.query('delete from deliveries where delivery_id = $1', [deliveryId])
      const before = row === null ? null : await progressOf(database, deliveryId)
      const verdict = await claim(claimRequest({ deliveryId, ...record }))
      assert.equal(verdict.action, action)
      if (row === null) return assert.equal(verdict.row, undefined)
      const now = await progressOf(database, deliveryId)
      const writes = action === 'claim' ? { ...claimed, ...leaves } : leaves
      if (writes === undefined) assert.deepEqual(now, before)
      else assert.deepEqual({ ...now, ...writes }, now)
      assert.deepEqual(verdict.row, {
        state: now.state,
        hop: now.hop,
        attempt: now.attempt,
        reason: now.reason,
        nextDueAtMs: now.next_due_at === null ? null : now.next_due_at.getTime(),
        provider: now.provider,
        providerMessageId: now.provider_message_id,
      })
    })
  }

  test('has a case for every action but the one that needs a race', () => {
    const covered = new Set(claimCases.map((row) => row.action))
    assert.deepEqual(
      claimActions.filter((action) => !covered.has(action)),
      ['again'],
    )
  })

  test('lets an ambiguous delivery be resent at once and a held one never', async () => {
    const ended = { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: -5 } as const
    const resend = await claim(claimRequest({ deliveryId: await insertDelivery(database, ended) }))
    const held = await claim(
      claimRequest({ deliveryId: await insertDelivery(database, { ...ended, unknownPolicy: 'hold' }) }),
    )
    assert.ok(Math.abs(resend.row!.nextDueAtMs! - Date.now()) < minuteMs)
    assert.equal(held.row!.nextDueAtMs, null)
  })

  test('is granted to one of two concurrent claimers; the other asks again and puts back', async () => {
    const deliveryId = await insertDelivery(database)
    const [first, second] = await whileHeldOpen(
      { database, pool },
      (held) => createDeliveries(held).claim(claimContext(), [claimRequest({ deliveryId })]),
      () => claim(claimRequest({ deliveryId })),
    )
    assert.equal(first[0]?.action, 'claim')
    assert.deepEqual(second, { deliveryId, action: 'again', attemptsMax: null, mandatory: false })
    assert.equal((await claim(claimRequest({ deliveryId }))).action, 'put_back')
  })

  test('leaves the lease for as long as was asked', async () => {
    const deliveryId = await insertDelivery(database)
    await deliveries.claim(claimContext({ leaseMs: 123_456 }), [claimRequest({ deliveryId })])
    const [row] = await database.query<{ lease_ms: string }>(
      'select extract(epoch from lease_until - updated_at) * 1000 as lease_ms from deliveries where delivery_id = $1',
      [deliveryId],
    )
    assert.equal(Number(row?.lease_ms), 123_456)
  })

  test('answers a whole chunk in order and in one round trip, each delivery by its own row', async () => {
    const ids: string[] = []
    for (let index = 0; index < 20; index += 1) {
      ids.push(await insertDelivery(database, index % 2 === 0 ? {} : { state: 'sent', hop: 1 }))
    }
    const requests = ids.toReversed().map((deliveryId) => claimRequest({ deliveryId }))
    const counted = countingRoundTrips(pool)
    const verdicts = await createDeliveries(counted).claim(claimContext(), requests)
    assert.equal(counted.roundTrips(), 1)
    assert.deepEqual(
      verdicts.map(({ deliveryId, action }) => ({ deliveryId, action })),
      ids.map((deliveryId, index) => ({ deliveryId, action: index % 2 === 0 ? 'claim' : 'republish' })).toReversed(),
    )
  })

  test('finds deliveries of different days, by one round trip each', async () => {
    const yesterday = await insertDelivery(database, { createdAtMs: Date.now() - dayMs })
    const today = await insertDelivery(database)
    const counted = countingRoundTrips(pool)
    const requests = [today, yesterday].map((deliveryId) => claimRequest({ deliveryId }))
    const verdicts = await createDeliveries(counted).claim(claimContext(), requests)
    assert.deepEqual(
      verdicts.map((verdict) => verdict.action),
      ['claim', 'claim'],
    )
    assert.equal(counted.roundTrips(), 2)
  })

  test('refuses a call that names one delivery twice, and writes nothing', async () => {
    const deliveryId = await insertDelivery(database)
    const requests = [claimRequest({ deliveryId, hop: 1 }), claimRequest({ deliveryId, hop: 2 })]
    await assert.rejects(deliveries.claim(claimContext(), requests))
    assert.equal((await progressOf(database, deliveryId)).state, 'routed')
  })

  test('asks the settings under the request channel that it is given', async () => {
    await suppress(database, { channel: 'push', addressHash, scope: 'all' })
    const verdictOn = async (channel: 'push' | 'email') => {
      const deliveryId = await insertDelivery(database)
      return (await deliveries.claim(claimContext({ channel }), [claimRequest({ deliveryId })]))[0]?.action
    }
    assert.equal(await verdictOn('push'), 'suppressed')
    assert.equal(await verdictOn('email'), 'claim')
  })
})
