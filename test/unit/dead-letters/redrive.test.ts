import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deliveryStates, isFinal } from '../../../src/domain/delivery-state.ts'
import { readDeliveryHeaders } from '../../../src/domain/record-headers.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import type { DeadLetter } from '../../../src/services/dead-letters/dead-letter.ts'
import { planRedrive, type RedriveRules } from '../../../src/services/dead-letters/redrive.ts'
import { deliveryCommand } from '../../support/builders/commands.ts'
import { deadLetter, requestedDeadLetter } from '../../support/builders/dead-letters.ts'
import { nowMs } from '../../support/builders/requests.ts'
import { storedDelivery } from '../../support/builders/stored-delivery.ts'

const topics = topicNames()

function plan(letter: DeadLetter, rules: Partial<RedriveRules> = {}) {
  return planRedrive(letter, { topics, redrivesMax: 3, nowMs, ...rules })
}

/** Where it goes and as which hop, or why it stays. */
function inShort(letter: DeadLetter): string {
  const planned = plan(letter)
  if (planned.kind === 'skip') return planned.reason
  return `${planned.record.topic} hop ${readDeliveryHeaders(planned.record.headers)?.hop}`
}

describe('a delivery out of attempts', () => {
  test('goes back to its channel one hop further, as the record that a claim takes up again', () => {
    const letter = deadLetter()
    const planned = plan(letter)
    assert.ok(planned.kind === 'publish')
    assert.deepEqual(planned.record, {
      topic: 'notifications.sms.transactional',
      key: letter.record.key,
      value: letter.record.value,
      headers: { 'x-hop': '5', 'x-attempt': '3', 'x-redrive': '1' },
    })
  })

  test('goes on from its row, whatever its headers say', () => {
    const headers = { 'x-hop': '77', 'x-attempt': 'x', 'x-original-topic': 'notifications.email.bulk', 'x-due-at': '-' }
    assert.equal(inShort(deadLetter({ letter: { headers } })), 'notifications.sms.transactional hop 5')
  })

  test('stays where its time is over, by the command or by the row', () => {
    const content = { kind: 'command', command: deliveryCommand({ expiresAt: nowMs }) } as const
    assert.equal(inShort(deadLetter({ content })), 'expired')
    assert.equal(inShort(deadLetter({ row: storedDelivery({ expiresAtMs: nowMs - 1 }) })), 'expired')
  })

  test('stays where it has no row', () => {
    assert.equal(inShort(deadLetter({ row: undefined })), 'no_row')
  })
})

describe('any other delivery', () => {
  test('stays where it has ended since, in whichever way', () => {
    for (const state of deliveryStates.filter(isFinal)) {
      const row = storedDelivery({ state, reason: state === 'failed' ? 'unregistered' : null })
      assert.equal(inShort(deadLetter({ row })), 'already_final', state)
    }
  })

  test('that was never claimed is claimed now, as its first hop', () => {
    const row = storedDelivery({ state: 'routed', hop: 0, attempt: 0, reason: null })
    assert.equal(inShort(deadLetter({ row })), 'notifications.sms.transactional hop 1')
  })

  test('that is claimed is asked about at its own hop', () => {
    const row = storedDelivery({ state: 'claimed', hop: 2, attempt: 1, reason: null })
    assert.equal(inShort(deadLetter({ row })), 'notifications.sms.transactional hop 2')
  })

  test('that waits goes through the ladder, and is not early', () => {
    const row = storedDelivery({ state: 'retrying', hop: 2, attempt: 1, nextDueAtMs: nowMs + 50_000, lane: 'bulk' })
    const planned = plan(deadLetter({ row, queue: 'retry' }))
    assert.ok(planned.kind === 'publish')
    assert.equal(planned.record.topic, 'notifications.retry.bulk.1m')
    assert.deepEqual(planned.record.headers, {
      'x-hop': '3',
      'x-attempt': '1',
      'x-due-at': String(nowMs + 50_000),
      'x-redrive': '1',
      'x-channel': 'sms',
    })
  })
})

describe('a request', () => {
  test('goes back to its own topic as it was, without what made it a dead letter', () => {
    const letter = requestedDeadLetter()
    const planned = plan(letter)
    assert.ok(planned.kind === 'publish')
    assert.deepEqual(planned.record, {
      topic: 'notifications.requested.bulk',
      key: letter.record.key,
      value: letter.record.value,
      headers: { 'x-pass': '2', custom: 'kept', 'x-redrive': '1' },
    })
  })

  test('goes nowhere but to a requested topic', () => {
    for (const topic of ['notifications.sms.transactional', 'elsewhere', '']) {
      const { record } = requestedDeadLetter()
      const headers = { ...record.headers, 'x-original-topic': topic }
      assert.equal(inShort(requestedDeadLetter({ record: { ...record, headers } })), 'bad_origin', topic)
    }
    assert.equal(
      inShort(requestedDeadLetter({ record: { ...requestedDeadLetter().record, headers: {} } })),
      'bad_origin',
    )
  })

  test('that still cannot be read stays', () => {
    assert.equal(inShort(requestedDeadLetter({ content: { kind: 'unreadable', reason: 'undecodable' } })), 'unreadable')
  })
})

test('a record of a queue with one source goes there, whatever its headers say', () => {
  const planned = plan(deadLetter({ queue: 'users-changed', content: { kind: 'opaque' }, row: undefined }))
  assert.equal(planned.kind === 'publish' && planned.record.topic, 'users.changed')
})

describe('the loop guard', () => {
  test('counts every return, and keeps what came back too often', () => {
    const planned = plan(deadLetter({ redrives: 2 }))
    assert.equal(planned.kind === 'publish' && planned.record.headers['x-redrive'], '3')
    assert.deepEqual(plan(deadLetter({ redrives: 3 })), { kind: 'skip', reason: 'looping' })
    assert.deepEqual(plan(requestedDeadLetter({ redrives: 3 })), { kind: 'skip', reason: 'looping' })
  })

  test('takes a count that cannot be read for too many', () => {
    assert.deepEqual(plan(deadLetter({ redrives: undefined })), { kind: 'skip', reason: 'looping' })
  })

  test('yields to a person who insists', () => {
    assert.equal(plan(deadLetter({ redrives: 7 }), { redrivesMax: Infinity }).kind, 'publish')
  })
})
