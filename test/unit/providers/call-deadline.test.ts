import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { outcomeOfUnanswered, startCallDeadline } from '../../../src/providers/call-deadline.ts'

test('a call deadline aborts when the time is up, and not before', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  using deadline = startCallDeadline(100, new AbortController().signal)
  context.mock.timers.tick(99)
  assert.equal(deadline.signal.aborted, false)
  context.mock.timers.tick(1)
  assert.equal(deadline.signal.aborted, true)
})

test('a call deadline aborts with its caller, also one that gave up before', () => {
  const caller = new AbortController()
  using deadline = startCallDeadline(10_000, caller.signal)
  assert.equal(deadline.signal.aborted, false)
  caller.abort()
  assert.equal(deadline.signal.aborted, true)
  using late = startCallDeadline(10_000, caller.signal)
  assert.equal(late.signal.aborted, true)
})

test('a call deadline leaves no timer and no listener behind', () => {
  const caller = new AbortController()
  const timersBefore = timers()
  const deadline = startCallDeadline(10_000, caller.signal)
  assert.equal(timers(), timersBefore + 1)
  deadline[Symbol.dispose]()
  assert.equal(timers(), timersBefore)
  assert.deepEqual(getEventListeners(caller.signal, 'abort'), [])
})

test('a call without an answer may be repeated only if nothing of it was written', () => {
  const outcome = (written: boolean, timedOut: boolean) => outcomeOfUnanswered({ written, timedOut })
  assert.deepEqual(outcome(true, true), { kind: 'unknown', reason: 'timed_out' })
  assert.deepEqual(outcome(true, false), { kind: 'unknown', reason: 'connection_lost' })
  assert.deepEqual(outcome(false, true), { kind: 'retry', reason: 'timed_out' })
  assert.deepEqual(outcome(false, false), { kind: 'retry', reason: 'connection_failed' })
})

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
