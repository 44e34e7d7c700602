import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NotificationRequested } from '../../../src/domain/notification.ts'
import {
  futureToleranceMs,
  oldestRequestMs,
  sendAtHorizonMs,
  validateRequest,
} from '../../../src/domain/request-validation.ts'
import { nowMs, request } from '../../support/builders/requests.ts'

function verdict(choices: Partial<NotificationRequested>, valueBytes = 500) {
  return validateRequest(request(choices), valueBytes, nowMs)
}
function reasonOf(choices: Partial<NotificationRequested>, valueBytes?: number) {
  const found = verdict(choices, valueBytes)
  return found.kind === 'refused' ? found.reason : 'valid'
}

describe('a request', () => {
  test('is valid up to each limit and refused beyond it', () => {
    const createdAt = nowMs
    assert.equal(reasonOf({ createdAt: nowMs + futureToleranceMs }), 'valid')
    assert.equal(reasonOf({ createdAt: nowMs + futureToleranceMs + 1 }), 'in_future')
    assert.equal(reasonOf({ createdAt: nowMs - oldestRequestMs }), 'valid')
    assert.equal(reasonOf({ createdAt: nowMs - oldestRequestMs - 1 }), 'too_old')
    assert.equal(reasonOf({ createdAt, sendAt: createdAt + sendAtHorizonMs }), 'valid')
    assert.equal(reasonOf({ createdAt, sendAt: createdAt + sendAtHorizonMs + 1 }), 'beyond_horizon')
    assert.equal(reasonOf({ createdAt, expiresAt: createdAt }), 'valid')
    assert.equal(reasonOf({ createdAt, expiresAt: createdAt - 1 }), 'expires_before_created')
    assert.equal(reasonOf({}, 256 * 1024), 'valid')
    assert.equal(reasonOf({}, 256 * 1024 + 1), 'too_large')
  })

  test('is refused for what makes no sense, each with its reason', () => {
    for (const userId of [0, -1, Number.MAX_SAFE_INTEGER + 1, Number.NaN]) {
      assert.equal(reasonOf({ userId }), 'invalid_user_id', String(userId))
    }
    assert.equal(reasonOf({ channels: ['pigeon'] }), 'invalid_request')
    assert.equal(reasonOf({ template: 'a\u0000b' }), 'unknown_template')
    assert.equal(reasonOf({ collapseKey: 'a\u0000b' }), 'invalid_request')
  })

  test('is told which field makes no sense', () => {
    const fieldOf = (choices: Partial<NotificationRequested>) => {
      const found = verdict(choices)
      return found.kind === 'refused' ? `${found.reason} ${found.detail}` : 'valid'
    }
    assert.equal(fieldOf({ locale: 'not a locale' }), 'invalid_request locale')
    assert.equal(fieldOf({ locale: 'tlh-Latn-AQ' }), 'valid')
    assert.equal(fieldOf({ channels: ['pigeon'] }), 'invalid_request channels')
    assert.equal(fieldOf({ collapseKey: '' }), 'invalid_request collapseKey')
    assert.equal(fieldOf({ notificationId: '7' }), 'invalid_request notificationId')
    assert.equal(fieldOf({ sendAt: nowMs + 5, expiresAt: nowMs + 5 }), 'expires_before_send_at null')
  })

  test('gets no log row where it has no identity or no day of its own', () => {
    const unloggable: Partial<NotificationRequested>[] = [
      { notificationId: 'not-a-uuid' },
      { source: '' },
      { source: 'a\u0000b' },
      { category: 'a\u0000b' },
      { createdAt: nowMs - 30 * 86_400_000 },
      { createdAt: -1 },
    ]
    for (const choices of unloggable) {
      const found = verdict(choices)
      assert.ok(found.kind === 'refused' && !found.loggable, JSON.stringify(choices))
    }
    const loggable = verdict({ userId: 0 })
    assert.ok(loggable.kind === 'refused' && loggable.loggable)
  })

  test('names its channels in a fixed order and each once; none means the category’s', () => {
    const named = verdict({ channels: ['email', 'push', 'email'] })
    assert.deepEqual(named, { kind: 'valid', channels: ['push', 'email'] })
    assert.deepEqual(verdict({ channels: [] }), { kind: 'valid', channels: null })
  })
})
