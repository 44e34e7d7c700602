import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { delayMsOf, jitterShare, nextTry, rungFor } from '../../../src/domain/retry-ladder.ts'
import { retryRungs } from '../../../src/domain/topic-names.ts'

const sha256 = (input: Uint8Array) => createHash('sha256').update(input).digest()
const nowMs = 1_800_000_000_000
const failed = { deliveryId: 'd1', hop: 1, attempt: 1, notBeforeMs: undefined, nowMs }

describe('the retry ladder', () => {
  test('goes up a rung with every attempt and stays on the last', () => {
    const rungs = [1, 2, 3, 4, 5, 50].map((attempt) => nextTry({ ...failed, attempt }, sha256).rung)
    assert.deepEqual(rungs, ['10s', '1m', '10m', '1h', '1h', '1h'])
  })

  test('is never early and late by at most a tenth of the rung, whatever the delivery', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 9 }),
        (deliveryId, hop, attempt) => {
          const { rung, dueAtMs } = nextTry({ ...failed, deliveryId, hop, attempt }, sha256)
          const waitMs = dueAtMs - nowMs
          assert.ok(waitMs >= delayMsOf(rung))
          assert.ok(waitMs <= delayMsOf(rung) * (1 + jitterShare))
        },
      ),
    )
  })

  test('is due at the same time however often it is asked, and spreads deliveries and hops apart', () => {
    assert.deepEqual(nextTry(failed, sha256), nextTry(failed, sha256))
    const due = new Set([1, 2, 3, 4].map((hop) => nextTry({ ...failed, hop }, sha256).dueAtMs))
    assert.equal(due.size, 4)
  })

  test('waits at least as long as the provider asked, on the first rung that is long enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000, max: 20 * 3_600_000 }), (askedMs) => {
        const { rung, dueAtMs } = nextTry({ ...failed, attempt: 4, notBeforeMs: nowMs + askedMs }, sha256)
        assert.ok(dueAtMs >= nowMs + askedMs, 'early')
        const shorter = retryRungs.filter(({ delayMs }) => delayMs < delayMsOf(rung))
        assert.ok(shorter.every(({ delayMs }) => delayMs < askedMs))
      }),
    )
  })

  test('puts what is due at a known time where it does not wait beyond the jitter', () => {
    const rungs = [-1, 0, 10_000, 11_000, 11_001, 66_000, 66_001, 600_000, 660_001, 3_960_000, 9_000_000]
    assert.deepEqual(
      rungs.map((waitMs) => rungFor(nowMs + waitMs, nowMs)),
      ['10s', '10s', '10s', '10s', '1m', '1m', '10m', '10m', '1h', '1h', '1h'],
    )
  })

  test('finds for its own due time its own rung again', () => {
    for (const attempt of [1, 2, 3, 4]) {
      const { rung, dueAtMs } = nextTry({ ...failed, attempt }, sha256)
      assert.equal(rungFor(dueAtMs, nowMs), rung)
    }
  })
})
