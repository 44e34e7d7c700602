import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFunnelCounter, hoursPerRound, type FunnelPorts } from '../../../src/services/maintenance/count-funnel.ts'

const hourMs = 3_600_000
const nowMs = Date.UTC(2026, 10, 22, 10, 20)
const today = '2026-11-22'

function ports(marked: readonly number[], choices: Partial<FunnelPorts> = {}) {
  const counted: number[] = []
  const unmarked: number[] = []
  const own: FunnelPorts = {
    databaseNow: async () => nowMs,
    markChangedHours: async () => {},
    markedHours: async (limit) => marked.slice(0, limit),
    countHour: async (hour) => void counted.push(hour),
    unmarkHour: async (hour) => void unmarked.push(hour),
    ...choices,
  }
  return { own, counted, unmarked }
}

describe('the funnel', () => {
  test('looks back a day at first, then to its last look, and a little over', async () => {
    const counter = createFunnelCounter()
    assert.equal(await counter.beginLook(ports([]).own), nowMs - 86_400_000)
    await counter.countMarked(ports([]).own, [today])
    assert.equal(await counter.beginLook(ports([]).own), nowMs - 300_000)
  })

  test('looks back once more as far where a round has failed', async () => {
    const counter = createFunnelCounter()
    const first = await counter.beginLook(ports([]).own)
    const failing = ports([nowMs], { countHour: () => Promise.reject(new Error('away')) })
    await assert.rejects(counter.countMarked(failing.own, [today]))
    assert.equal(await counter.beginLook(ports([]).own), first)
  })

  test('counts so many hours a round, in the order in which they are given', async () => {
    const marked = Array.from({ length: 100 }, (_, at) => nowMs - at * 60_000)
    const { own, counted } = ports(marked)
    assert.equal(await createFunnelCounter().countMarked(own, [today]), hoursPerRound)
    assert.deepEqual(counted, marked.slice(0, hoursPerRound))
  })

  test('leaves alone what was counted of days whose rows are gone, and does not ask for them again', async () => {
    const longAgo = nowMs - 60 * 24 * hourMs
    const { own, counted, unmarked } = ports([longAgo, nowMs])
    assert.equal(await createFunnelCounter().countMarked(own, ['2026-10-08', today]), 1)
    assert.deepEqual([counted, unmarked], [[nowMs], [longAgo]])
  })

  test('lets an hour of tomorrow wait for tomorrow', async () => {
    const tomorrow = nowMs + 24 * hourMs
    const { own, counted, unmarked } = ports([tomorrow])
    await createFunnelCounter().countMarked(own, ['2026-10-08', today])
    assert.deepEqual([counted, unmarked], [[], []])
  })
})
