/**
 * Waiting for what happens in other processes: asked for again and again up to a deadline, and a failure says what was
 * still missing.
 */
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'

const defaultDeadlineMs = 30_000
const usualPollMs = 20

/**
 * Resolves as soon as nothing is missing.
 * @param missing what is missing at this moment, in words, or undefined. What it throws ends the wait.
 */
export async function eventually(
  missing: () => Promise<string | undefined>,
  deadlineMs = defaultDeadlineMs,
  pollMs = usualPollMs,
): Promise<void> {
  const endMs = Date.now() + deadlineMs
  for (;;) {
    const what = await missing()
    if (what === undefined) return
    assert.ok(Date.now() < endMs, `not within ${deadlineMs} ms: ${what}`)
    await wait(pollMs)
  }
}
