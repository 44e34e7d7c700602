import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ConsumerEvent } from '../../../src/kafka/consumer-event.ts'
import { startWatchdog } from '../../../src/kafka/watchdog.ts'

function watch(t: TestContext, given: { waiting?: number; excused?: boolean } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const state = { waiting: 3, excused: false, ...given }
  const events: ConsumerEvent[] = []
  const ends: Error[] = []
  const watchdog = startWatchdog({
    waitingRecords: () => state.waiting,
    excused: () => state.excused,
    report: (event) => void events.push(event),
    fatal: (error) => void ends.push(error),
  })
  t.after(watchdog.stop)
  return { state, events, ends, watchdog, seconds: (count: number) => t.mock.timers.tick(count * 1_000) }
}

describe('the watchdog', () => {
  test('ends the process after two minutes in which work waits and nothing moves, once', (t) => {
    const { events, ends, seconds } = watch(t)
    seconds(119)
    assert.equal(ends.length, 0)
    seconds(1)
    assert.deepEqual(events, [{ kind: 'stuck', waitingRecords: 3, idleMs: 120_000 }])
    seconds(600)
    assert.equal(ends.length, 1)
  })

  test('begins again when something moves', (t) => {
    const { ends, watchdog, seconds } = watch(t)
    seconds(119)
    watchdog.progress()
    // It looks every five seconds.
    seconds(115)
    assert.equal(ends.length, 0)
  })

  for (const [name, calm] of [
    ['nothing waits', { waiting: 0 }],
    ['standing still is right', { excused: true }],
  ] as const) {
    test(`does not count while ${name}, and begins again afterwards`, (t) => {
      const { state, ends, seconds } = watch(t)
      seconds(100)
      Object.assign(state, calm)
      seconds(600)
      Object.assign(state, { waiting: 3, excused: false })
      seconds(100)
      assert.equal(ends.length, 0)
      seconds(20)
      assert.equal(ends.length, 1)
    })
  }

  test('stops', (t) => {
    const { ends, watchdog, seconds } = watch(t)
    watchdog.stop()
    seconds(600)
    assert.equal(ends.length, 0)
  })
})
