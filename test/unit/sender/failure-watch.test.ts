import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFailureWatch } from '../../../src/services/sender/failure-watch.ts'

const watch = () => createFailureWatch({ windowMs: 1_000, failuresMax: 3 })

describe('the failure watch', () => {
  test('tells the failure that is one too many, and no further one of its window', () => {
    const own = watch()
    const told = [1, 2, 3, 4, 5, 6].map((ms) => own.observe('throttled', 1, ms))
    assert.deepEqual(told, [
      undefined,
      undefined,
      undefined,
      { reason: 'throttled', failures: 4, windowMs: 1_000 },
      undefined,
      undefined,
    ])
  })

  test('tells again in the next window, which begins with its first failure', () => {
    const own = watch()
    assert.equal(own.observe('throttled', 4, 0)?.failures, 4)
    assert.equal(own.observe('throttled', 4, 999), undefined)
    assert.equal(own.observe('throttled', 4, 1_000)?.failures, 4)
  })

  test('is silent where as many come, but slowly', () => {
    const own = watch()
    for (let ms = 0; ms < 20_000; ms += 400) assert.equal(own.observe('throttled', 1, ms), undefined)
  })

  test('counts each reason for itself', () => {
    const own = watch()
    own.observe('throttled', 3, 0)
    assert.equal(own.observe('timed_out', 3, 0), undefined)
    assert.equal(own.observe('timed_out', 1, 0)?.reason, 'timed_out')
  })
})
