import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Outcome } from '../../../src/domain/provider.ts'
import { conclude, type Attempted } from '../../../src/services/sender/conclude.ts'

const sha256 = (input: Uint8Array) => createHash('sha256').update(input).digest()
const nowMs = 1_800_000_000_000

/** The first of three attempts of a delivery that lives for a day. */
function attempted(choices: Partial<Attempted> = {}): Attempted {
  return {
    deliveryId: 'd1',
    hop: 1,
    attemptsBefore: 0,
    attemptsMax: 3,
    unknownPolicy: 'resend',
    expiresAt: nowMs + 86_400_000,
    nowMs,
    ...choices,
  }
}

function concluded(outcome: Outcome, choices: Partial<Attempted> = {}) {
  const found = conclude(outcome, attempted(choices), sha256)
  assert.ok(found !== 'held')
  return found
}

const retry: Outcome = { kind: 'retry', reason: 'provider_unavailable' }
const unknown: Outcome = { kind: 'unknown', reason: 'timed_out' }

describe('an outcome comes to', () => {
  test('sent, with the provider’s id, when it was accepted', () => {
    const found = concluded({ kind: 'accepted', providerMessageId: 'SM1' })
    assert.deepEqual(
      [found.state, found.reason, found.providerMessageId, found.attemptsSpent],
      ['sent', null, 'SM1', 1],
    )
  })

  test('failed with the provider’s reason when it was rejected for good', () => {
    const found = concluded({ kind: 'rejected', reason: 'unregistered', invalidAddress: true })
    assert.deepEqual([found.state, found.reason, found.deadLettered], ['failed', 'unregistered', false])
  })

  test('another try up the ladder, which spends an attempt', () => {
    const found = concluded(retry, { attemptsBefore: 1 })
    assert.deepEqual([found.state, found.reason, found.attemptsSpent], ['retrying', 'provider_unavailable', 1])
    const waitMs = (found.nextDueAtMs ?? 0) - nowMs
    assert.ok(waitMs >= 60_000 && waitMs <= 66_000, String(waitMs))
  })

  test('another try when the provider says, which spends none', () => {
    const found = concluded({ ...retry, notBeforeMs: nowMs + 30_000 }, { attemptsBefore: 2 })
    assert.deepEqual([found.state, found.attemptsSpent], ['retrying', 0])
    assert.ok((found.nextDueAtMs ?? 0) >= nowMs + 30_000)
  })

  test('failed and kept whole when the last attempt is spent', () => {
    for (const outcome of [retry, unknown]) {
      const found = concluded(outcome, { attemptsBefore: 2 })
      assert.deepEqual([found.state, found.reason, found.deadLettered], ['failed', 'attempts_exhausted', true])
      assert.equal(concluded(outcome, { attemptsBefore: 1 }).state, 'retrying')
    }
  })

  test('expired when the next try would come too late', () => {
    const found = concluded(retry, { expiresAt: nowMs + 10_000 })
    assert.deepEqual([found.state, found.reason, found.nextDueAtMs], ['expired', 'past_expiry', null])
  })

  test('what the policy says when nobody can tell: again, or held for a person', () => {
    const again = concluded(unknown)
    assert.deepEqual([again.state, again.reason, again.attemptsSpent], ['retrying', 'ambiguous', 1])
    const held = concluded(unknown, { unknownPolicy: 'hold' })
    assert.deepEqual([held.state, held.reason, held.nextDueAtMs], ['unknown', 'ambiguous', null])
  })

  test('nothing at all when our account is at fault: the delivery keeps its claim', () => {
    assert.equal(conclude({ kind: 'misconfigured', reason: 'authentication_failed' }, attempted(), sha256), 'held')
  })
})
