import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { WebhookReading, WebhookRequest } from '../../../src/domain/webhook.ts'
import {
  bounceClassifications,
  createSendgridWebhook,
  documentedEvents,
  dropReasons,
  timestampWindowMs,
} from '../../../src/providers/sendgrid/webhook.ts'
import {
  sendgridEvent,
  sendgridKeys,
  signedBatch,
  webhookDeliveryId,
  type SendgridKeys,
} from '../../support/builders/webhooks.ts'

const nowMs = 1_700_000_100_000
const keys = sendgridKeys()
const hashAddress = (channel: string, address: string) => Buffer.from(`${channel}:${address}`.padEnd(32).slice(0, 32))
const webhook = createSendgridWebhook([keys.publicKey], hashAddress)

const signed = (events: unknown, options: { keys?: SendgridKeys; atMs?: number } = {}) =>
  signedBatch({ events, keys, atMs: nowMs, ...options })
const read = (request: WebhookRequest) => webhook.read(request, nowMs)
function feedbackOf(reading: WebhookReading) {
  assert.ok(reading.kind === 'verified', JSON.stringify(reading))
  return reading.feedback
}
const only = (event: string, fields?: Record<string, unknown>) =>
  feedbackOf(read(signed([sendgridEvent(event, fields)])))[0]

/** What SendGrid documents, written down again; the table must say the same of each. */
const reported = {
  processed: null,
  deferred: null,
  delivered: 'delivered',
  bounce: 'bounced',
  dropped: 'failed',
  open: 'opened',
  click: 'clicked',
  spamreport: 'complained',
  unsubscribe: 'unsubscribed',
  group_unsubscribe: 'unsubscribed',
  group_resubscribe: null,
  account_status_change: null,
} as const

describe('an event of SendGrid', () => {
  test('has a meaning, whichever of the documented ones it is', () => {
    assert.deepEqual(Object.keys(documentedEvents).toSorted(), Object.keys(reported).toSorted())
    for (const [event, kind] of Object.entries(reported)) {
      const reading = read(signed([sendgridEvent(event)]))
      assert.deepEqual(
        feedbackOf(reading).map((each) => each.kind),
        kind === null ? [] : [kind],
        event,
      )
    }
  })

  test('names the delivery, the message as the call was answered, and of the address only the hash', () => {
    assert.deepEqual(only('delivered', { response: '250 OK person@example.com' }), {
      feedbackId: 'event-of-delivered',
      kind: 'delivered',
      deliveryId: webhookDeliveryId,
      provider: 'sendgrid',
      providerMessageId: 'euo2iKxdSayPF4YE4--I7A',
      channel: 'email',
      addressHash: hashAddress('email', 'person@example.com'),
      category: null,
      permanent: null,
      reason: null,
      providerCode: null,
      linkId: null,
      automatic: false,
      invalidSince: null,
      occurredAt: 1_700_000_000_000,
      receivedAt: nowMs,
    })
  })

  test('that bounced is for good, whatever for: SendGrid drops every further mail', () => {
    for (const bounce_classification of [undefined, 'Unclassified', 'new', ...Object.keys(bounceClassifications)]) {
      const feedback = only('bounce', { type: 'bounce', bounce_classification, status: '5.1.1' })
      assert.deepEqual([feedback?.permanent, feedback?.providerCode], [true, '5.1.1'])
    }
    assert.equal(only('bounce', { type: 'bounce' })?.reason, 'invalid_address')
  })

  test('that was blocked costs the address only where it was about the address', () => {
    const blocked = (bounce_classification?: string) => {
      const feedback = only('bounce', { type: 'blocked', bounce_classification })
      return [feedback?.permanent, feedback?.reason]
    }
    assert.deepEqual(blocked('Invalid Address'), [false, 'invalid_address'])
    assert.deepEqual(blocked('Mailbox Unavailable'), [false, 'recipient_unreachable'])
    assert.deepEqual(blocked('Technical'), [false, 'recipient_unreachable'])
    assert.deepEqual(blocked('Technical Failure'), [false, 'recipient_unreachable'])
    assert.deepEqual(blocked('Content'), [null, 'content_refused'])
    assert.deepEqual(blocked('Reputation'), [null, 'refused'])
    assert.deepEqual(blocked('Frequency/Volume'), [null, 'throttled'])
    assert.deepEqual(blocked('Frequency or Volume Too High'), [null, 'throttled'])
    assert.deepEqual(blocked('Unclassified'), [false, 'recipient_unreachable'])
    assert.deepEqual(blocked(), [false, 'recipient_unreachable'])
    assert.deepEqual(blocked('constructor'), [false, 'recipient_unreachable'])
  })

  test('that was dropped says why by SendGrid’s own closed list', () => {
    const dropped = (reason?: string) => {
      const feedback = only('dropped', { reason })
      return [feedback?.reason, feedback?.permanent]
    }
    const expected = {
      'Bounced Address': ['invalid_address', true],
      Invalid: ['invalid_address', true],
      'Unsubscribed Address': ['recipient_opted_out', true],
      'Spam Reporting Address': ['recipient_opted_out', true],
      'Spam Content': ['content_refused', null],
      'Invalid SMTPAPI header': ['account_misconfigured', null],
      'Recipient List over Package Quota': ['account_misconfigured', null],
    }
    assert.deepEqual(Object.keys(dropReasons).toSorted(), Object.keys(expected).toSorted())
    for (const [reason, meaning] of Object.entries(expected)) assert.deepEqual(dropped(reason), meaning, reason)
    for (const reason of [undefined, 'a new one', 'toString']) assert.deepEqual(dropped(reason), ['refused', null])
  })

  test('that a machine opened is marked', () => {
    assert.equal(only('open', { sg_machine_open: true })?.automatic, true)
    assert.equal(only('open', { sg_machine_open: false })?.automatic, false)
    assert.equal(only('open')?.automatic, false)
    assert.equal(only('click', { sg_machine_open: true })?.automatic, false)
  })

  test('without an id of its own has one by what it says', () => {
    const withoutId = { sg_event_id: undefined }
    const one = only('dropped', withoutId)?.feedbackId
    assert.equal(only('dropped', withoutId)?.feedbackId, one)
    assert.notEqual(only('dropped', { ...withoutId, timestamp: 1_700_000_001 })?.feedbackId, one)
  })

  test('from the future happened now', () => {
    assert.equal(only('delivered', { timestamp: 1_800_000_000 })?.occurredAt, nowMs)
  })

  test('of another app’s mail is none of ours', () => {
    for (const deliveryId of [undefined, '17', 'not-a-uuid']) {
      const reading = read(signed([sendgridEvent('bounce', { deliveryId }), sendgridEvent('delivered')]))
      assert.ok(reading.kind === 'verified')
      assert.deepEqual([reading.feedback.length, reading.ignored, reading.unknown], [1, 1, 0])
    }
  })

  test('that is new, or malformed, costs none of its neighbours', () => {
    const malformed = [17, null, {}, 'x', sendgridEvent('teleported'), sendgridEvent('open', { timestamp: 'soon' })]
    const reading = read(signed([...malformed, sendgridEvent('delivered')]))
    assert.ok(reading.kind === 'verified')
    assert.deepEqual([reading.feedback.length, reading.ignored, reading.unknown], [1, 0, malformed.length])
  })
})

describe('a batch of SendGrid', () => {
  const require = createRequire(import.meta.url)
  const { EventWebhook } = require('@sendgrid/eventwebhook') as {
    EventWebhook: new () => {
      convertPublicKeyToECDSA(key: string): unknown
      verifySignature(key: unknown, body: Uint8Array, signature: string, timestamp: string): boolean
    }
  }
  const official = new EventWebhook()
  const officialVerdict = ({ headers, body }: WebhookRequest) =>
    official.verifySignature(
      official.convertPublicKeyToECDSA(keys.publicKey),
      body,
      headers['x-twilio-email-event-webhook-signature'] ?? '',
      headers['x-twilio-email-event-webhook-timestamp'] ?? '',
    )

  test('is believed exactly where the official verification believes it', () => {
    const genuine = signed([sendgridEvent('delivered')])
    assert.equal(officialVerdict(genuine), true)
    assert.equal(read(genuine).kind, 'verified')
    const otherKey = signed([sendgridEvent('delivered')], { keys: sendgridKeys() })
    const otherBody = { ...genuine, body: Buffer.concat([genuine.body, Buffer.from(' ')]) }
    const otherTime = {
      ...genuine,
      headers: { ...genuine.headers, 'x-twilio-email-event-webhook-timestamp': '1700000101' },
    }
    for (const forged of [otherKey, otherBody, otherTime]) {
      assert.equal(officialVerdict(forged), false)
      assert.deepEqual(read(forged), { kind: 'refused', reason: 'forged' })
    }
  })

  test('is refused where one bit of it differs', () => {
    const genuine = signed([sendgridEvent('delivered')])
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), (at, bit) => {
        const body = Buffer.from(genuine.body)
        body[at % body.length] = (body[at % body.length] ?? 0) ^ (1 << bit)
        assert.deepEqual(read({ ...genuine, body }), { kind: 'refused', reason: 'forged' })
      }),
      { numRuns: 200 },
    )
  })

  test('with a signature that is none is forged, and no exception', () => {
    const { url, headers, body } = signed([])
    for (const signature of ['', 'x', 'AAAA', 'MEUCIQ==', '💥', 'MAYCAQECAQE=']) {
      const request = { url, body, headers: { ...headers, 'x-twilio-email-event-webhook-signature': signature } }
      assert.deepEqual(read(request), { kind: 'refused', reason: 'forged' }, signature)
    }
  })

  test('without signature or timestamp is unsigned', () => {
    const { url, headers, body } = signed([])
    for (const missing of Object.keys(headers)) {
      const request = { url, body, headers: { ...headers, [missing]: undefined } }
      assert.deepEqual(read(request), { kind: 'refused', reason: 'unsigned' })
    }
  })

  test('is stale more than ten minutes before or after it was signed, and its receipt is kept for as long', () => {
    assert.equal(timestampWindowMs, 600_000)
    const request = signed([sendgridEvent('delivered')])
    for (const awayMs of [-timestampWindowMs, 0, timestampWindowMs]) {
      assert.equal(webhook.read(request, nowMs + awayMs).kind, 'verified')
    }
    for (const awayMs of [-timestampWindowMs - 1_000, timestampWindowMs + 1]) {
      assert.deepEqual(webhook.read(request, nowMs + awayMs), { kind: 'refused', reason: 'stale' })
    }
    const reading = read(request)
    assert.ok(reading.kind === 'verified')
    assert.equal(reading.repeatableUntilMs, nowMs + timestampWindowMs)
  })

  test('may be signed by any of the keys, while one is replaced', () => {
    const next = sendgridKeys()
    const both = createSendgridWebhook([keys.publicKey, next.publicKey], hashAddress)
    for (const each of [keys, next]) {
      assert.equal(both.read(signed([], { keys: each }), nowMs).kind, 'verified')
    }
  })

  test('that is signed and no list of events is unreadable', () => {
    for (const events of ['', '{', '{}', 'null', '"x"', '17']) {
      assert.deepEqual(read(signed(events)), { kind: 'refused', reason: 'unreadable' }, events)
    }
    assert.equal(read(signed('[]')).kind, 'verified')
  })

  test('of 768 KB, the most that is documented, is within the limit and read whole', () => {
    const events = Array.from({ length: 2_000 }, (_, at) => sendgridEvent('delivered', { sg_event_id: `event-${at}` }))
    const request = signed(events)
    assert.ok(request.body.length > 512 * 1024 && request.body.length < 768 * 1024, String(request.body.length))
    assert.ok(webhook.bodyLimitBytes > 768 * 1024)
    assert.equal(new Set(feedbackOf(read(request)).map(({ feedbackId }) => feedbackId)).size, 2_000)
  })
})
