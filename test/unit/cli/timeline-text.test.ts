import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timelineText } from '../../../src/cli/timeline-text.ts'
import type { NotificationTimeline } from '../../../src/postgres/timeline.ts'

const createdAtMs = Date.parse('2026-01-31T12:00:00.000Z')

const routed: NotificationTimeline = {
  notificationId: '01939c5a-6e00-7000-8000-000000000001',
  source: 'shop',
  day: '2026-01-31',
  userId: 7,
  category: 'order-receipt',
  lane: 'transactional',
  pass: 0,
  decision: 'routed',
  reason: null,
  detail: null,
  deferredUntilMs: null,
  suppressedChannels: [{ channel: 'push', reason: 'no_address' }],
  createdAtMs,
  decidedAtMs: createdAtMs + 12,
  cancelledAtMs: null,
  deliveries: [
    {
      deliveryId: '01939c5a-6e00-8000-8000-000000000001',
      channel: 'email',
      templateId: 'order-receipt',
      templateVersion: 3,
      locale: 'ko',
      state: 'retrying',
      hop: 1,
      attempt: 1,
      reason: 'throttled',
      provider: 'sendgrid',
      providerMessageId: null,
      leaseUntilMs: null,
      nextDueAtMs: createdAtMs + 10_000,
      expiresAtMs: createdAtMs + 60_000,
      updatedAtMs: createdAtMs + 345,
      deliveredAtMs: null,
      bouncedAtMs: null,
      openedAtMs: null,
      clickedAtMs: null,
      unsubscribedAtMs: null,
    },
  ],
}

test('a timeline tells the decision, what was suppressed, and where each delivery is', () => {
  assert.equal(
    timelineText([routed]),
    `notification 01939c5a-6e00-7000-8000-000000000001 from shop for user 7
  category   order-receipt, transactional lane
  created    2026-01-31T12:00:00.000Z
  routed     2026-01-31T12:00:00.012Z (+0.012 s)
  push: suppressed, no_address
  email: retrying, throttled, 2026-01-31T12:00:00.345Z (+0.345 s)
    attempts 1, sendgrid
    order-receipt version 3, ko; delivery 01939c5a-6e00-8000-8000-000000000001
    due again 2026-01-31T12:00:10.000Z (+10.000 s)`,
  )
})

test('a cancel that came before its request has neither category nor creation', () => {
  const cancelled: NotificationTimeline = {
    ...routed,
    category: null,
    lane: null,
    createdAtMs: null,
    decision: 'cancelled',
    reason: 'cancelled',
    suppressedChannels: [],
    cancelledAtMs: createdAtMs,
    deliveries: [],
  }
  assert.equal(
    timelineText([cancelled]),
    `notification 01939c5a-6e00-7000-8000-000000000001 from shop for user 7
  category   unknown yet
  cancelled, cancelled, 2026-01-31T12:00:00.012Z
  cancelled  2026-01-31T12:00:00.000Z`,
  )
})
