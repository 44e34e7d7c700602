import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPace } from '../../../src/services/scheduler/pace.ts'

describe('the pace of resumptions', () => {
  test('is kept over any time, beyond a first burst of half a second', () => {
    let clockMs = 0
    const pace = createPace(1_000, () => clockMs)
    let taken = 0
    for (; clockMs < 10_000; clockMs += 7) taken += pace.take(500)
    assert.ok(taken <= 500 + 10_000, `${taken}`)
    assert.ok(taken > 10_000 - 100, `${taken}`)
  })

  test('gives little rather later than in crumbs', () => {
    let clockMs = 0
    const pace = createPace(1_000, () => clockMs)
    assert.equal(pace.take(500), 500)
    clockMs = 49
    assert.equal(pace.take(500), 0)
    clockMs = 50
    assert.equal(pace.take(500), 50)
  })

  test('does not count what did not go', () => {
    const pace = createPace(1_000, () => 0)
    pace.take(500)
    pace.giveBack(300)
    assert.equal(pace.take(500), 300)
  })

  test('below one a second still goes on', () => {
    let clockMs = 0
    const pace = createPace(1, () => clockMs)
    assert.equal(pace.take(10), 1)
    clockMs = 999
    assert.equal(pace.take(10), 0)
    clockMs = 1_000
    assert.equal(pace.take(10), 1)
  })
})
