import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { StoredDelivery } from '../../../src/domain/stored-delivery.ts'
import { createMaintainer, type MaintenancePorts } from '../../../src/services/maintenance/maintain.ts'
import { storedDelivery } from '../../support/builders/stored-delivery.ts'

const today = '2026-11-22'
const row = storedDelivery({ state: 'expired', reason: 'past_expiry' })

/** A database with so many overdue deliveries on each day. */
function ports(overdue: Record<string, number>, choices: Partial<MaintenancePorts> & { open?: string[] } = {}) {
  const published: StoredDelivery[] = []
  const swept: string[] = []
  const left = { ...overdue }
  const { open = [], ...rest } = choices
  const own: MaintenancePorts = {
    maintainPartitions: () =>
      Promise.resolve({ today, daysAheadBefore: 8, created: [], retirement: { dropped: [], kept: [] } }),
    days: () => Promise.resolve(Object.keys(overdue)),
    sweepExpired: async (day, { limit }, beforeCommit) => {
      swept.push(day)
      const moved = Math.min(limit, left[day] ?? 0)
      if (moved > 0) await beforeCommit(Array.from({ length: moved }, () => row))
      left[day] = (left[day] ?? 0) - moved
      return moved
    },
    findStuck: () => Promise.resolve([]),
    hasOpen: (day) => Promise.resolve(open.includes(day)),
    forgetEnded: () => Promise.resolve({ forgotten: 0, more: false }),
    databaseNow: () => Promise.resolve(Date.parse(today)),
    markChangedHours: () => Promise.resolve(),
    markedHours: () => Promise.resolve([]),
    countHour: () => Promise.resolve(),
    unmarkHour: () => Promise.resolve(),
    publishExpired: (expired) => Promise.resolve(void published.push(...expired)),
    ...rest,
  }
  return { own, published, swept }
}

describe('a round of maintenance', () => {
  test('settles what is overdue in batches until none is left, and publishes each', async () => {
    const { own, published, swept } = ports({ '2026-11-20': 1_001, [today]: 0 })
    const { expired } = await createMaintainer().run(own, 1)
    assert.equal(expired, 1_001)
    assert.equal(published.length, 1_001)
    assert.deepEqual(swept, ['2026-11-20', '2026-11-20', '2026-11-20', today])
  })

  test('forgets what the doors keep for a time only, batch by batch', async () => {
    let left = 12_000
    const forgetEnded = (limit: number) => {
      const forgotten = Math.min(limit, left)
      left -= forgotten
      return Promise.resolve({ forgotten, more: forgotten === limit })
    }
    const { own } = ports({}, { forgetEnded })
    assert.equal((await createMaintainer().run(own, 1)).forgotten, 12_000)
  })

  test('does not read a closed day without anything open again', async () => {
    const { own, swept } = ports({ '2026-11-01': 0, '2026-11-02': 0, '2026-11-14': 0 }, { open: ['2026-11-02'] })
    const maintainer = createMaintainer()
    await maintainer.run(own, 1)
    swept.length = 0
    await maintainer.run(own, 1)
    assert.deepEqual(swept, ['2026-11-02', '2026-11-14'])
  })

  test('says when partitions were about to run out', async () => {
    for (const [daysAheadBefore, runningOut] of [
      [2, true],
      [3, false],
    ] as const) {
      const retirement = { dropped: [], kept: [] }
      const { own } = ports(
        {},
        { maintainPartitions: async () => ({ today, daysAheadBefore, created: [], retirement }) },
      )
      assert.equal((await createMaintainer().run(own, 1)).runningOut, runningOut)
    }
  })

  test('reports a bounded number of stuck deliveries', async () => {
    const findStuck = (_day: string, _unmovedMs: number, limit: number) =>
      Promise.resolve(Array.from({ length: Math.min(limit, 70) }, () => row))
    const { own } = ports({ '2026-11-20': 0, '2026-11-21': 0, [today]: 0 }, { findStuck })
    assert.equal((await createMaintainer().run(own, 1)).stuck.length, 100)
  })
})
