import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchForStalls } from '../../../src/kafka/stalled-process.ts'

test('a process that stood still knows it, whichever of its timers is the first to go on, and forgets it', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let now = 0
  const stalled = watchForStalls(() => now)
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      now += 500
      t.mock.timers.tick(500)
    }
  }
  pass(10_000)
  assert.equal(stalled(), false)
  now += 8_000
  assert.equal(stalled(), true, 'asked before its own timer went on')
  t.mock.timers.tick(500)
  assert.equal(stalled(), true, 'and after')
  pass(15_000)
  assert.equal(stalled(), false)
})
