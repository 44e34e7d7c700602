import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { createDrainEstimate, secondsToDrainMax, type DrainEstimate } from '../../../src/telemetry/drain-estimate.ts'

let nowMs: number
let estimate: DrainEstimate

beforeEach(() => {
  nowMs = 1_000_000
  estimate = createDrainEstimate(() => nowMs)
})

/** Works a lag for so long, committing every so often. @returns what is left. */
function work(
  lag: number,
  { forMs, perSecond, everyMs = 500 }: { forMs: number; perSecond: number; everyMs?: number },
) {
  estimate.observe(lag, 0)
  let left = lag
  for (const endMs = nowMs + forMs; nowMs < endMs;) {
    nowMs += everyMs
    const committed = Math.min(left, (perSecond * everyMs) / 1_000)
    left -= committed
    estimate.observe(left, committed)
  }
  return left
}

const isNear = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < expected * 0.1, `${actual} is not about ${expected}`)

describe('seconds to drain', () => {
  test('are the lag over the rate of late', () => {
    const left = work(100_000, { forMs: 60_000, perSecond: 500 })
    isNear(estimate.seconds(), left / 500)
  })

  test('are none without lag, however long ago the last commit was', () => {
    work(100, { forMs: 1_000, perSecond: 500 })
    nowMs += 3_600_000
    assert.equal(estimate.seconds(), 0)
  })

  test('follow a rate that changed within a minute', () => {
    work(1_000_000, { forMs: 120_000, perSecond: 1_000 })
    const left = work(100_000, { forMs: 60_000, perSecond: 200 })
    isNear(estimate.seconds(), left / 200)
  })

  test('do not take a night without records for slowness', () => {
    work(10_000, { forMs: 20_000, perSecond: 500 })
    nowMs += 8 * 3_600_000
    estimate.observe(1_000, 0)
    isNear(estimate.seconds(), 2)
  })

  test('are the maximum where nothing of the lag was committed for a minute, and not before', () => {
    work(1_100, { forMs: 10_000, perSecond: 100 })
    nowMs += 59_999
    assert.ok(estimate.seconds() < secondsToDrainMax)
    nowMs += 1
    assert.equal(estimate.seconds(), secondsToDrainMax)
    estimate.observe(50, 50)
    assert.ok(estimate.seconds() < secondsToDrainMax)
  })

  test('are how long it has stood, where nothing was ever committed', () => {
    estimate.observe(5, 0)
    nowMs += 30_000
    assert.equal(estimate.seconds(), 30)
    nowMs += 30_000
    assert.equal(estimate.seconds(), secondsToDrainMax)
  })

  test('are never more than the maximum', () => {
    work(1_000_000, { forMs: 10_000, perSecond: 1, everyMs: 1_000 })
    assert.equal(estimate.seconds(), secondsToDrainMax)
  })
})
