import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isCapped, isForbidden, throttled, type CapAnswer } from '../../../src/domain/throttle.ts'
import type { RoutingDecision } from '../../../src/domain/notification-log.ts'
import { plannedDelivery } from '../../support/builders/log-entry.ts'
import { category, nowMs } from '../../support/builders/requests.ts'

const hourMs = 3_600_000
const ids = { notificationId: '01939c5a-6e00-7000-8000-000000000001', source: 'shop', createdAtMs: nowMs }
const routed: RoutingDecision = {
  kind: 'routed',
  reason: null,
  detail: null,
  deferredUntilMs: null,
  deliveries: [
    plannedDelivery({ ...ids, channel: 'ios', deviceId: 'd1' }),
    plannedDelivery({ ...ids, channel: 'email' }),
  ],
  suppressedChannels: [{ channel: 'sms', reason: 'opted_out' }],
}

function decided(answer: CapAnswer, choices: Parameters<typeof category>[0] = {}) {
  return throttled(routed, answer, { category: category(choices), nowMs, expiresAtMs: nowMs + hourMs })
}

describe('what a cap’s answer makes of a decision', () => {
  test('a place now: nothing; a place later: it waits for that time, with nothing planned', () => {
    assert.equal(decided({ kind: 'free' }), routed)
    const waits = decided({ kind: 'reserved', atMs: nowMs + 5 })
    assert.deepEqual([waits.kind, waits.reason, waits.deferredUntilMs], ['deferred', 'over_cap', nowMs + 5])
    assert.deepEqual(waits.deliveries, [])
    assert.equal(decided({ kind: 'reserved', atMs: nowMs }), routed, 'its time has come by the clock that woke it')
  })

  test('no place, of a category that does not wait: every channel that would have got it says so', () => {
    const { kind, reason, deliveries, suppressedChannels } = decided({ kind: 'full' })
    assert.deepEqual([kind, reason, deliveries], ['suppressed', 'capped', []])
    assert.deepEqual(suppressedChannels, [
      { channel: 'sms', reason: 'opted_out' },
      { channel: 'push', reason: 'capped' },
      { channel: 'email', reason: 'capped' },
    ])
  })

  test('no place, where some devices are suppressed besides: one word about the channel', () => {
    const partly: RoutingDecision = {
      ...routed,
      suppressedChannels: [{ channel: 'push', reason: 'address_suppressed' }],
    }
    const full = throttled(partly, { kind: 'full' }, { category: category(), nowMs, expiresAtMs: nowMs + hourMs })
    assert.deepEqual(full.suppressedChannels, [
      { channel: 'push', reason: 'capped' },
      { channel: 'email', reason: 'capped' },
    ])
  })

  test('a place too late: it expires, and says why', () => {
    const late = decided({ kind: 'expires' })
    assert.deepEqual([late.kind, late.reason], ['expired', 'over_cap'])
  })

  test('nobody can count: sent, or asked again, as the category says', () => {
    assert.equal(decided({ kind: 'unavailable' }), routed)
    const again = decided({ kind: 'unavailable' }, { capsUnavailablePolicy: 'defer' })
    assert.deepEqual([again.kind, again.reason, again.deferredUntilMs], ['deferred', 'over_cap', nowMs + 60_000])
  })
})

describe('caps', () => {
  test('are none of a mandatory category’s, and those of the person hold where a category has none', () => {
    const one = [{ limit: 1, windowSeconds: 60 }]
    assert.equal(isCapped(category({ caps: one, mandatory: true }), one), false)
    assert.equal(isCapped(category(), one), true)
    assert.equal(isCapped(category(), []), false)
  })

  test('of nothing forbid, and ask nobody', () => {
    const none = [{ limit: 0, windowSeconds: 60 }]
    assert.equal(isForbidden(category({ caps: none }), []), true)
    assert.equal(isForbidden(category(), none), true)
    assert.equal(isForbidden(category({ caps: none, mandatory: true }), none), false)
  })
})
