import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createOperatorActions } from '../../src/postgres/operator-actions.ts'
import { listDeliveries, loadDeliveries, resolveHeldDelivery } from '../../src/postgres/stored-deliveries.ts'
import { claimContext, claimRequest } from '../support/builders/claim.ts'
import { insertDelivery, progressOf } from '../support/builders/delivery-row.ts'
import { dayMs } from '../support/builders/log-entry.ts'
import { insertCategory } from '../support/builders/people.ts'
import { whileHeldOpen } from '../support/concurrency.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const held = { state: 'unknown', hop: 2, attempt: 2, reason: 'ambiguous', provider: 'twilio' } as const

describe('a held delivery in Postgres', () => {
  let database: TestDatabase
  let pool: HotPathPool

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
    await insertCategory(database, { name: 'receipts' })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const actionOn = (target: string, resolution = 'sent') => ({
    operator: 'ada',
    action: 'deliveries.resolve',
    target,
    choices: { resolution },
  })
  const resolve = (deliveryId: string, state: 'sent' | 'retrying', on = pool) =>
    resolveHeldDelivery(on, { deliveryId, hop: 2, state, action: actionOn(deliveryId) })

  test('is settled as sent, keeps its hop, and says who decided', async () => {
    const deliveryId = await insertDelivery(database, held)
    const row = await resolve(deliveryId, 'sent')
    assert.deepEqual([row?.state, row?.hop, row?.attempt, row?.reason, row?.provider], ['sent', 2, 2, null, 'twilio'])
    const actions = await database.query(
      `select operator, action, choices, counts, finished_at is not null as finished from operator_actions where target = $1`,
      [deliveryId],
    )
    const [action] = actions
    assert.deepEqual(action, {
      operator: 'ada',
      action: 'deliveries.resolve',
      choices: { resolution: 'sent' },
      counts: { resolved: 1 },
      finished: true,
    })
  })

  test('waits from now on when it is to be sent again, and the next hop is claimed', async () => {
    const deliveryId = await insertDelivery(database, held)
    const row = await resolve(deliveryId, 'retrying')
    assert.deepEqual([row?.state, row?.reason], ['retrying', 'ambiguous'])
    assert.ok(Math.abs((row?.nextDueAtMs ?? 0) - Date.now()) < 60_000)
    const [verdict] = await createDeliveries(pool).claim(claimContext(), [claimRequest({ deliveryId, hop: 3 })])
    assert.equal(verdict?.action, 'claim')
  })

  test('is decided about once: whoever comes second, or with an older view, moves nothing and leaves no record', async () => {
    const deliveryId = await insertDelivery(database, held)
    const late = { deliveryId, hop: 1, state: 'sent', action: actionOn(deliveryId) } as const
    assert.equal(await resolveHeldDelivery(pool, late), undefined)
    const [first, second] = await whileHeldOpen(
      { database, pool },
      (open) => resolve(deliveryId, 'sent', open),
      () => resolve(deliveryId, 'retrying'),
    )
    assert.deepEqual([first?.state, second], ['sent', undefined])
    const [count] = await database.query<{ count: string }>('select count(*) from operator_actions where target = $1', [
      deliveryId,
    ])
    assert.equal(count?.count, '1')
  })

  test('is not claimed before the decision stands: until then it is final to every record', async () => {
    const deliveryId = await insertDelivery(database, held)
    const claimNext = async () => {
      const [verdict] = await createDeliveries(pool).claim(claimContext(), [claimRequest({ deliveryId, hop: 3 })])
      return verdict?.action
    }
    const answers: unknown[] = []
    await resolveHeldDelivery(
      pool,
      { deliveryId, hop: 2, state: 'retrying', action: actionOn(deliveryId) },
      async () => void answers.push(await claimNext()),
    )
    assert.deepEqual([...answers, await claimNext()], ['republish', 'claim'])
  })

  test('stays held where what has to come before fails', async () => {
    const deliveryId = await insertDelivery(database, held)
    const failing = resolveHeldDelivery(pool, { deliveryId, hop: 2, state: 'sent', action: actionOn(deliveryId) }, () =>
      Promise.reject(new Error('no broker')),
    )
    await assert.rejects(failing, /no broker/)
    assert.equal((await progressOf(database, deliveryId)).state, 'unknown')
    assert.equal(await createOperatorActions(pool).wasBegun(actionOn(deliveryId)), false)
  })

  test('that is none is refused, in every other state', async () => {
    for (const state of ['routed', 'claimed', 'retrying', 'failed', 'sent', 'delivered'] as const) {
      const deliveryId = await insertDelivery(database, { ...held, state })
      assert.equal(await resolve(deliveryId, 'sent'), undefined, state)
      assert.equal((await progressOf(database, deliveryId)).state, state)
    }
  })

  test('is remembered by what was decided', async () => {
    const deliveryId = await insertDelivery(database, held)
    const actions = createOperatorActions(pool)
    await resolve(deliveryId, 'sent')
    assert.equal(await actions.wasBegun(actionOn(deliveryId, 'sent')), true)
    assert.equal(await actions.wasBegun(actionOn(deliveryId, 'resend')), false)
  })

  test('is listed by state, channel and age, the latest change first; loaded by id over days', async () => {
    await database.query('delete from deliveries')
    const old = await insertDelivery(database, { ...held, createdAtMs: Date.now() - 3 * dayMs })
    const young = await insertDelivery(database, held)
    await insertDelivery(database, { state: 'sent', hop: 1 })
    const listing = { state: 'unknown', channel: 'sms', sinceMs: 0, limit: 10 } as const
    const ids = async (choices = {}) =>
      (await listDeliveries(pool, { ...listing, ...choices })).map(({ deliveryId }) => deliveryId)
    assert.deepEqual(await ids(), [young, old])
    assert.deepEqual(await ids({ limit: 1 }), [young])
    assert.deepEqual(await ids({ channel: 'email' }), [])
    assert.deepEqual(await ids({ channel: null, sinceMs: Date.now() - dayMs }), [young])
    const never = 'ffffffff-ffff-8fff-bfff-ffffffffffff'
    const loaded = await loadDeliveries(pool, [old, young, randomUUID(), never])
    assert.deepEqual([...loaded.keys()].toSorted(), [old, young].toSorted())
  })
})
