import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { summariseLatency } from '../../../src/local/demo/latency.ts'
import { reportText } from '../../../src/local/demo/report.ts'
import { textTable } from '../../../src/local/demo/text-table.ts'
import type { Evidence } from '../../../src/local/reconciliation/evidence.ts'
import { reconcile } from '../../../src/local/reconciliation/reconcile.ts'

/** As many SMS as latencies, all sent. */
function evidenceOf(latenciesMs: readonly number[]): Evidence {
  const ids = latenciesMs.map((_, index) => `d${index}`)
  const identity = { notificationId: 'n', source: 's' }
  const sent = { channel: 'sms', provider: 'twilio' } as const
  return {
    published: [identity],
    notifications: [{ ...identity, decision: 'routed', reason: null, suppressedChannels: [], deliveryIds: ids }],
    deliveries: ids.map((deliveryId) => ({
      ...sent,
      deliveryId,
      providerMessageId: deliveryId,
      state: 'sent',
      reason: null,
      createdAtMs: 1_000,
      reported: [],
    })),
    calls: latenciesMs.map((latencyMs, index) => ({
      ...sent,
      sequence: index + 1,
      deliveryId: `d${index}`,
      providerMessageId: `d${index}`,
      verdict: 'accepted',
      receivedAtMs: 1_000 + latencyMs,
    })),
    reports: [],
    statuses: [
      {
        ...identity,
        statusId: 'r',
        deliveryId: null,
        channel: null,
        status: 'routed',
        reason: null,
        plannedDeliveries: ids.length,
        automatic: false,
      },
      ...ids.map((deliveryId) => ({
        ...identity,
        statusId: deliveryId,
        deliveryId,
        channel: 'sms' as const,
        status: 'sent' as const,
        reason: null,
        plannedDeliveries: null,
        automatic: false,
      })),
    ],
  }
}

function textOf(evidence: Evidence): string {
  return reportText(evidence, { ...reconcile(evidence), predictions: [] })
}

const hundred = Array.from({ length: 100 }, (_, index) => index + 1)

describe('the demo’s report', () => {
  test('takes latency from the event to the ledger, by nearest rank', () => {
    assert.deepEqual(summariseLatency(evidenceOf(hundred)), { p50Ms: 50, p99Ms: 99, maxMs: 100 })
    assert.deepEqual(summariseLatency(evidenceOf([7])), { p50Ms: 7, p99Ms: 7, maxMs: 7 })
    assert.equal(
      summariseLatency(evidenceOf(hundred), ({ channel }) => channel === 'email'),
      undefined,
    )
  })

  test('leaves what had to wait out of the times', () => {
    const evidence = evidenceOf([9_000])
    const [routed] = evidence.statuses
    const deferred = {
      ...evidence,
      statuses: [...evidence.statuses, { ...routed!, statusId: 'd', status: 'deferred' as const }],
    }
    assert.match(textOf(evidence), /sms +1 .* 9,000 ms/)
    assert.match(textOf(deferred), /sms +1 .* - +- +-\n/)
  })

  test('says that all is equal only when it is', () => {
    const evidence = evidenceOf([5, 6])
    assert.match(textOf(evidence), /All equal/)
    const lacking = { ...evidence, statuses: evidence.statuses.slice(0, -1) }
    const text = textOf(lacking)
    assert.doesNotMatch(text, /All equal/)
    assert.match(text, /sent to sms .* DIFFERENT/)
    assert.match(text, /1 DIFFERENCES\n {2}final in Postgres, but not on the status topic: 1\n {4}d1 sent/)
  })
})

test('a table lines up names to the left and numbers to the right', () => {
  const rows = [
    ['', 'sent'],
    ['sms', '1,234'],
    ['email', '7'],
  ]
  assert.equal(textTable(rows), '          sent\n  sms    1,234\n  email      7')
})
