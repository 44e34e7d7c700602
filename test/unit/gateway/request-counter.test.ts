import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createRequestCounter } from '../../../src/services/gateway/request-counter.ts'

describe('counting requests', () => {
  test('is done together where that can be, and alone where not, each key in its own window', async () => {
    const state = { nowMs: 0, together: true, alone: 0 }
    const { count } = createRequestCounter({
      countTogether: () => Promise.resolve(state.together ? { requests: 40, windowEndsInMs: 1 } : undefined),
      clock: () => state.nowMs,
      countedAlone: () => {
        state.alone += 1
      },
    })
    assert.deepEqual(await count('shop', 1_000), { requests: 40, windowEndsInMs: 1 })
    state.together = false
    assert.deepEqual(await count('shop', 1_000), { requests: 1, windowEndsInMs: 1_000 })
    state.nowMs = 400
    assert.deepEqual(await count('shop', 1_000), { requests: 2, windowEndsInMs: 600 })
    assert.deepEqual(await count('login', 1_000), { requests: 1, windowEndsInMs: 1_000 })
    state.nowMs = 1_000
    assert.deepEqual(await count('shop', 1_000), { requests: 1, windowEndsInMs: 1_000 })
    assert.equal(state.alone, 4)
  })
})
