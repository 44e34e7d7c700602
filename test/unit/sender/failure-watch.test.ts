import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alertCategory } from '../../../src/services/sender/failure-alert.ts'
import { createFailureWatch, isWatched } from '../../../src/services/sender/failure-watch.ts'

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

  test('tells again in the next window, which begins at a multiple of its length and not with a failure', () => {
    const own = watch()
    assert.equal(own.observe('throttled', 4, 700)?.failures, 4)
    assert.equal(own.observe('throttled', 4, 999), undefined)
    assert.equal(own.observe('throttled', 4, 1_000)?.failures, 4)
  })

  test('takes a clock that is put back for another window, and goes on', () => {
    const own = watch()
    own.observe('throttled', 3, 5_000)
    assert.equal(own.observe('throttled', 1, 4_999), undefined)
    assert.equal(own.observe('throttled', 3, 4_000)?.failures, 4)
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

describe('what is watched', () => {
  const refused = { kind: 'rejected', reason: 'content_refused' } as const

  test('is every failure that people can mend: no acceptance, and no address that died', () => {
    assert.ok(isWatched(refused, 'receipt'))
    assert.ok(isWatched({ kind: 'unknown', reason: 'timed_out' }, 'receipt'))
    assert.ok(!isWatched({ kind: 'accepted', providerMessageId: 'm' }, 'receipt'))
    assert.ok(!isWatched({ ...refused, invalidAddress: true }, 'receipt'))
  })

  test('is not an alert: one that fails must not raise the next', () => {
    assert.ok(!isWatched(refused, alertCategory))
  })
})
