import assert from 'node:assert/strict'
import { setImmediate as tick } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { createGate } from '../../../../src/kafka/registry/request-gate.ts'

/** A request that is under way until told otherwise. */
function heldRequest() {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const held = { started: false, done: promise, finish: resolve, fail: reject, request: () => start() }
  const start = () => {
    held.started = true
    return promise
  }
  return held
}

describe('the gate', () => {
  test('lets no more through than it may, also when one comes just as another goes', async () => {
    const gate = createGate(1)
    const [first, second, late] = [heldRequest(), heldRequest(), heldRequest()]
    const passing = [gate(first.request), gate(second.request)]
    // Runs between the gate's own continuation, which opens it for the second, and the second's.
    const latePassing = first.done.then(() => gate(late.request))
    first.finish()
    await tick()
    assert.deepEqual([second.started, late.started], [true, false])
    second.finish()
    late.finish()
    await Promise.all([...passing, latePassing])
  })

  test('turns away all that wait when one fails, and lets later ones try', async () => {
    const gate = createGate(1)
    const first = heldRequest()
    const second = heldRequest()
    const passing = [gate(first.request), gate(second.request)]
    const failure = new Error('away')
    first.fail(failure)
    assert.deepEqual(await Promise.allSettled(passing), [
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
    assert.equal(second.started, false)
    assert.equal(await gate(async () => 'back'), 'back')
  })
})
