import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { SettledDelivery, Settlement } from '../../../src/domain/settlement.ts'
import { createSettler } from '../../../src/services/sender/settle.ts'
import { createPatience } from '../../../src/services/sender/until-available.ts'
import { settlement } from '../../support/builders/claim.ts'

function rowOf({ deliveryId, hop, state }: Settlement): SettledDelivery {
  return { deliveryId, hop, state, moved: true, attempt: 1, reason: null, nextDueAtMs: null, provider: null }
}

function settlerOver(settle: (settlements: readonly Settlement[]) => SettledDelivery[]) {
  const statements: string[][] = []
  const sleep = () => Promise.resolve()
  const rows = {
    claim: () => Promise.reject(new Error('not asked')),
    settle: async (settlements: readonly Settlement[]) => {
      statements.push(settlements.map(({ deliveryId }) => deliveryId))
      await Promise.resolve()
      return settle(settlements)
    },
  }
  const settler = createSettler({ rows, sleep }, createPatience({ sleep, observe: () => {} }))
  return { settler, statements }
}

describe('settling', () => {
  test('writes what gathers in one statement, and answers each with its own row', async () => {
    const { settler, statements } = settlerOver((all) => all.map(rowOf))
    const ids = Array.from({ length: 20 }, (_, index) => `d${index}`)
    const rows = await Promise.all(ids.map((deliveryId) => settler.settle(settlement({ deliveryId }))))
    assert.deepEqual(statements, [ids])
    assert.deepEqual(
      rows.map(({ deliveryId }) => deliveryId),
      ids,
    )
  })

  test('waits for a database that is away, and forgets nothing meanwhile', async () => {
    let failures = 3
    const { settler, statements } = settlerOver((all) => {
      if (failures > 0) {
        failures -= 1
        throw new DependencyUnavailable('postgres', '57P01')
      }
      return all.map(rowOf)
    })
    const row = await settler.settle(settlement({ deliveryId: 'd1' }))
    assert.equal(row.deliveryId, 'd1')
    assert.equal(statements.length, 4)
  })

  test('finds the one settlement that the database refuses and settles its neighbours', async () => {
    const { settler } = settlerOver((all) => {
      if (all.some(({ deliveryId }) => deliveryId === 'd3')) throw new Error('refused')
      return all.map(rowOf)
    })
    const ids = ['d1', 'd2', 'd3', 'd4', 'd5']
    const results = await Promise.allSettled(ids.map((deliveryId) => settler.settle(settlement({ deliveryId }))))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
  })
})

describe('a settlement that comes in the very step in which the last batch ended', () => {
  test('is written too', { timeout: 5_000 }, async () => {
    const { settler } = settlerOver((all) => all.map(rowOf))
    for (let round = 0; round < 50; round += 1) {
      const first = settler.settle(settlement({ deliveryId: `first-${round}` }))
      let chained: Promise<SettledDelivery> = first
      // One more microtask each round: one of them falls between the end of the batch and the end of the round.
      for (let turn = 0; turn < round; turn += 1) chained = chained.then((row) => row)
      const second = chained.then(() => settler.settle(settlement({ deliveryId: `second-${round}` })))
      assert.equal((await second).deliveryId, `second-${round}`)
    }
  })
})
