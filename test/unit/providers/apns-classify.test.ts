import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyAnswer } from '../../../src/providers/apns/classify.ts'

const dead = { kind: 'rejected', reason: 'unregistered', invalidAddress: true }
const classify = (status: number, fields: object) =>
  classifyAnswer({ status, body: JSON.stringify(fields), apnsId: undefined, retryAfter: undefined }, 0)

test('a dead token is dead since the moment that APNs names, if it names one', () => {
  const since = 1_700_000_000_000
  assert.deepEqual(classify(410, { reason: 'Unregistered', timestamp: since }), { ...dead, invalidSinceMs: since })
  assert.deepEqual(classify(410, { reason: 'ExpiredToken', timestamp: since }), { ...dead, invalidSinceMs: since })
  for (const timestamp of [undefined, null, 'yesterday', 0, -1, 1.5, 1e300]) {
    assert.deepEqual(classify(410, { reason: 'Unregistered', timestamp }), dead, String(timestamp))
  }
})

test('a timestamp of an answer that is about something else means nothing', () => {
  const bad = { kind: 'rejected', reason: 'invalid_address' }
  assert.deepEqual(classify(400, { reason: 'BadDeviceToken', timestamp: 1_700_000_000_000 }), bad)
})
