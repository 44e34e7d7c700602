/**
 * Waiting for what happens outside of the test, without guessing how long it takes.
 */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'

const defaultDeadlineMs = 5_000
const pollMs = 5

/** Resolves as soon as the condition holds; fails the test, naming the condition, when it does not in time. */
export async function until(condition: () => boolean, deadlineMs = defaultDeadlineMs): Promise<void> {
  const endMs = Date.now() + deadlineMs
  while (!condition()) {
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${condition.toString()}`)
    await wait(pollMs)
  }
}
