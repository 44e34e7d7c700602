import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome } from '../../../src/domain/provider.ts'
import type { ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import type { OutgoingRecord } from '../../../src/domain/record.ts'
import type { SettledDelivery } from '../../../src/domain/settlement.ts'
import { createSender } from '../../../src/services/sender/sender.ts'
import { deliveryCommand } from '../../support/builders/commands.ts'
import { nowMs } from '../../support/builders/requests.ts'
import { senderPorts, senderSettings } from '../../support/builders/sender-ports.ts'

/** Sends one delivery at hop 2, whose call comes to this. */
async function refusedBy(outcome: Outcome, settled: Partial<SettledDelivery> = {}) {
  const feedback: ProviderFeedback[] = []
  const sends: OutgoingRecord[][] = []
  const ports = senderPorts({
    rows: {
      claim: async (_, requests) =>
        requests.map(({ deliveryId }) => ({
          deliveryId,
          action: 'claim',
          attemptsMax: null,
          mandatory: false,
        })),
      settle: async (all) =>
        all.map(({ deliveryId, hop, state, reason, nextDueAtMs, provider }) => ({
          deliveryId,
          moved: true,
          hop,
          state,
          reason,
          nextDueAtMs,
          provider,
          attempt: 1,
          ...settled,
        })),
    },
    provider: { ...senderPorts().provider, send: async () => [outcome] },
    publish: async (records) => void sends.push([...records]),
    encodeFeedback: (each) => {
      feedback.push(each)
      return Buffer.from('feedback')
    },
    hashAddress: (channel, address) => Buffer.from(`${channel} ${address}`),
  })
  const record = {
    topic: 'notifications.sms.bulk',
    partition: 0,
    offset: 1n,
    timestampMs: nowMs,
    key: Buffer.from('7'),
    value: Buffer.from('bytes'),
    headers: { 'x-hop': '2', 'x-attempt': '1' },
  }
  await createSender(senderSettings, ports).handle([record], () => {})
  return { feedback, sends: sends.map((records) => records.map(({ topic, key }) => [topic, key])) }
}

describe('a refusal that says something of the address', () => {
  const { deliveryId, address } = deliveryCommand()
  const addressHash = Buffer.from(`sms ${address}`)

  test('is reported in one publication with the delivery’s own status', async () => {
    const { feedback, sends } = await refusedBy({ kind: 'rejected', reason: 'invalid_address', invalidAddress: true })
    assert.deepEqual(sends, [
      [
        ['notifications.delivery-status', deliveryCommand().notificationId],
        ['notifications.provider-feedback', deliveryId],
      ],
    ])
    assert.deepEqual(feedback, [
      {
        feedbackId: `twilio:invalid_address:${deliveryId}:2`,
        kind: 'invalid_address',
        deliveryId,
        provider: 'twilio',
        providerMessageId: null,
        channel: 'sms',
        addressHash,
        category: null,
        permanent: true,
        reason: 'invalid_address',
        providerCode: null,
        linkId: null,
        automatic: false,
        invalidSince: null,
        occurredAt: nowMs,
        receivedAt: nowMs,
      },
    ])
  })

  test('says since when, where the provider did', async () => {
    const dead = { kind: 'rejected', reason: 'unregistered', invalidAddress: true, invalidSinceMs: 17 } as const
    assert.equal((await refusedBy(dead)).feedback[0]?.invalidSince, 17)
  })

  test('is a STOP where the provider has one of this person', async () => {
    const { feedback } = await refusedBy({ kind: 'rejected', reason: 'recipient_opted_out' })
    assert.deepEqual([feedback[0]?.kind, feedback[0]?.channel], ['stopped', 'sms'])
    assert.deepEqual(feedback[0]?.addressHash, addressHash)
  })

  test('is reported although the hop has moved on: the address is what it is', async () => {
    const dead = { kind: 'rejected', reason: 'invalid_address', invalidAddress: true } as const
    const { sends } = await refusedBy(dead, { hop: 3, moved: false })
    assert.deepEqual(sends, [[['notifications.provider-feedback', deliveryId]]])
  })

  test('is reported for no other answer', async () => {
    const silent: Outcome[] = [
      { kind: 'accepted', providerMessageId: 'SM1' },
      { kind: 'rejected', reason: 'invalid_address' },
      { kind: 'rejected', reason: 'content_refused' },
      { kind: 'retry', reason: 'throttled' },
      { kind: 'unknown', reason: 'timed_out' },
    ]
    for (const outcome of silent) assert.deepEqual((await refusedBy(outcome)).feedback, [], outcome.kind)
  })
})
