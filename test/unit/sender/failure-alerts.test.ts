import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { isUuid } from '../../../src/domain/identity.ts'
import type { NotificationRequested } from '../../../src/domain/notification.ts'
import { alertWindowMs } from '../../../src/services/sender/failure-alert.ts'
import { createFailureAlerts } from '../../../src/services/sender/failure-alerts.ts'
import { aFailureAlert } from '../../support/builders/failure-alerts.ts'

const onCallUserId = 17
const windowStartMs = Date.parse('2026-11-22T10:30:00Z')

/** One replica, whose broker fails as often as wanted. */
function replica({ userId = onCallUserId, failures = 0 }: { userId?: number | null; failures?: number } = {}) {
  const published: NotificationRequested[] = []
  const outcomes: string[] = []
  let nowMs = windowStartMs
  let left = failures
  const alerts = createFailureAlerts(userId, {
    publish: (event) => {
      if (left > 0) {
        left -= 1
        return Promise.reject(new Error('no broker'))
      }
      published.push(event)
      return Promise.resolve()
    },
    now: () => nowMs,
    sha1: (input) => createHash('sha1').update(input).digest(),
    observe: (outcome) => void outcomes.push(outcome),
  })
  async function raise(atMs: number, choices: Parameters<typeof aFailureAlert>[0] = {}): Promise<void> {
    nowMs = windowStartMs + atMs
    const before = outcomes.length
    alerts.raise(aFailureAlert(choices))
    // Its outcome comes within a few turns, or there is none.
    for (let turn = 0; turn < 10 && outcomes.length === before; turn += 1) await Promise.resolve()
  }
  return { raise, published, outcomes }
}

describe('an alert about a failure that repeats', () => {
  test('is a notification for the user on call that names nobody else', async () => {
    const { raise, published } = replica()
    await raise(1_000)
    const [event] = published
    assert.ok(event !== undefined && isUuid(event.notificationId))
    assert.deepEqual(event, {
      notificationId: event.notificationId,
      source: 'fanfare',
      userId: onCallUserId,
      category: 'fanfare-alert',
      template: null,
      locale: null,
      data: { channel: 'sms', provider: 'twilio', reason: 'timed_out', count: 51, windowMinutes: 1 },
      channels: null,
      sendAt: null,
      expiresAt: null,
      collapseKey: null,
      createdAt: windowStartMs + 1_000,
    })
  })

  test('is published once in a window for each channel, lane and reason, and again in the next', async () => {
    const { raise, published } = replica()
    await raise(0)
    await raise(60_000)
    await raise(alertWindowMs - 1)
    assert.equal(published.length, 1)
    await raise(0, { reason: 'throttled' })
    await raise(0, { lane: 'transactional' })
    await raise(0, { channel: 'email' })
    assert.equal(published.length, 4)
    await raise(alertWindowMs)
    assert.equal(new Set(published.map(({ notificationId }) => notificationId)).size, 5)
  })

  test('has one id in all replicas, whatever each of them counted and met first', async () => {
    const [one, other] = [replica(), replica()]
    await one.raise(2_000, { failures: 51 })
    await other.raise(alertWindowMs - 1, { failures: 400, provider: 'vonage' })
    assert.equal(one.published[0]?.notificationId, other.published[0]?.notificationId)
  })

  test('that could not be published throws nothing, is told, and is tried again at the next repetition', async () => {
    const { raise, published, outcomes } = replica({ failures: 1 })
    await raise(0)
    await raise(60_000)
    await raise(120_000)
    assert.deepEqual(outcomes, ['failed', 'published'])
    assert.equal(published.length, 1)
  })

  test('is not raised where nobody is on call', async () => {
    const { raise, published, outcomes } = replica({ userId: null })
    await raise(0)
    assert.deepEqual([published, outcomes], [[], []])
  })
})

test('an alert window is of one UTC day, so that the id is found in one partition', () => {
  assert.equal((24 * 3_600_000) % alertWindowMs, 0)
})
