import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createdAtMsOf } from '../../../src/domain/identity.ts'
import type { WebhookReading, WebhookRequest } from '../../../src/domain/webhook.ts'
import { createTwilioInboundWebhook, helpWords, startWords, stopWords } from '../../../src/providers/twilio/inbound.ts'
import {
  createTwilioStatusWebhook,
  documentedErrors,
  documentedStatuses,
} from '../../../src/providers/twilio/webhook.ts'
import {
  callbackParameters,
  callbackUrl,
  inboundUrl,
  messageSid,
  signedCallback,
  signedForm,
  signedText,
  twilioToken,
  webhookDeliveryId,
} from '../../support/builders/webhooks.ts'

const nowMs = createdAtMsOf(webhookDeliveryId) + 60_000
const dayMs = 86_400_000
const hashAddress = (channel: string, address: string) => Buffer.from(`${channel}:${address}`.padEnd(32).slice(0, 32))
const statusWebhook = createTwilioStatusWebhook([twilioToken], hashAddress)
const inboundWebhook = createTwilioInboundWebhook([twilioToken], hashAddress)

const read = (request: WebhookRequest) => statusWebhook.read(request, nowMs)
function feedbackOf(reading: WebhookReading) {
  assert.ok(reading.kind === 'verified', JSON.stringify(reading))
  return reading.feedback
}

/** What Twilio documents, written down again; the table must say the same of each. */
const reported = {
  accepted: null,
  scheduled: null,
  queued: null,
  sending: null,
  sent: null,
  receiving: null,
  received: null,
  partially_delivered: null,
  canceled: 'failed',
  delivered: 'delivered',
  read: 'opened',
  undelivered: 'bounced',
  failed: 'failed',
} as const

describe('a status callback of Twilio', () => {
  test('has a meaning for every status that a message can have', () => {
    assert.deepEqual(Object.keys(documentedStatuses).toSorted(), Object.keys(reported).toSorted())
    for (const [status, kind] of Object.entries(reported)) {
      const feedback = feedbackOf(read(signedCallback(status)))
      assert.deepEqual(
        feedback.map((each) => [each.kind, each.feedbackId]),
        kind === null ? [] : [[kind, `${messageSid}:${status}`]],
        status,
      )
    }
  })

  test('names the delivery and the message, and of the number only the hash', () => {
    const [feedback] = feedbackOf(read(signedCallback('delivered')))
    assert.deepEqual(feedback, {
      feedbackId: `${messageSid}:delivered`,
      kind: 'delivered',
      deliveryId: webhookDeliveryId,
      provider: 'twilio',
      providerMessageId: messageSid,
      channel: 'sms',
      addressHash: hashAddress('sms', '+14155550100'),
      category: null,
      permanent: null,
      reason: null,
      providerCode: null,
      linkId: null,
      automatic: false,
      invalidSince: null,
      occurredAt: nowMs,
      receivedAt: nowMs,
    })
  })

  for (const { code, title, reason, permanent } of documentedErrors) {
    test(`undelivered with ${code} (${title}) is ${reason}`, () => {
      const [feedback] = feedbackOf(read(signedCallback('undelivered', { ErrorCode: String(code) })))
      assert.deepEqual(
        [feedback?.kind, feedback?.reason, feedback?.permanent, feedback?.providerCode],
        ['bounced', reason, permanent, String(code)],
      )
    })
  }

  test('calls a number dead only where the number is: an account or a text that is refused costs no address', () => {
    const dead = documentedErrors.filter(({ permanent }) => permanent === true).map(({ code }) => code)
    assert.deepEqual(dead, [21610, 30005, 30006])
    const unreachable = documentedErrors.filter(({ permanent }) => permanent === false).map(({ code }) => code)
    assert.deepEqual(unreachable, [30003, 30004])
  })

  test('with a code that is new, or none, is refused and says nothing of the number', () => {
    for (const ErrorCode of ['39999', '', 'x'.repeat(100)]) {
      const [feedback] = feedbackOf(read(signedCallback('failed', { ErrorCode })))
      assert.deepEqual([feedback?.reason, feedback?.permanent], ['refused', null])
      assert.equal(feedback?.providerCode, ErrorCode === '39999' ? '39999' : null)
    }
  })

  test('with a status that is new is told as unknown, and one of another app’s message as none of ours', () => {
    const unknown = read(signedCallback('teleported'))
    assert.ok(unknown.kind === 'verified' && unknown.unknown === 1 && unknown.feedback.length === 0)
    for (const query of ['', '?delivery=', '?delivery=17', `?other=${webhookDeliveryId}`]) {
      const url = `https://edge.example.com/webhooks/twilio/status${query}`
      const parameters = { ...callbackParameters, MessageStatus: 'delivered' }
      const foreign = read(signedForm({ url, parameters }))
      assert.ok(foreign.kind === 'verified' && foreign.ignored === 1 && foreign.feedback.length === 0)
    }
  })

  test('is taken from any caller with the token, or the next one, whatever the port that the signature is over', () => {
    const webhook = createTwilioStatusWebhook(['old', 'new'], hashAddress)
    const parameters = { ...callbackParameters, MessageStatus: 'delivered' }
    const path = `/webhooks/twilio/status?delivery=${webhookDeliveryId}`
    for (const token of ['old', 'new']) {
      for (const port of ['', ':443', ':8443']) {
        const { headers, body } = signedForm({ url: `https://edge.example.com${port}${path}`, parameters, token })
        const calledAt = port === ':8443' ? 'https://edge.example.com:8443' : 'https://edge.example.com'
        const reading = webhook.read({ url: `${calledAt}${path}`, headers, body }, nowMs)
        assert.equal(reading.kind, 'verified', `${token} ${port}`)
      }
    }
    const other = webhook.read(signedForm({ url: callbackUrl, parameters, token: 'third' }), nowMs)
    assert.deepEqual(other, { kind: 'refused', reason: 'forged' })
  })

  test('that the official helper signs is accepted, whatever it holds', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((each) => each.toWellFormed())
    const form = fc.dictionary(text, text, { maxKeys: 12, noNullPrototype: true })
    fc.assert(
      fc.property(form, (extra) => {
        const parameters = { ...extra, ...callbackParameters, MessageStatus: 'delivered' }
        assert.equal(read(signedForm({ url: callbackUrl, parameters })).kind, 'verified')
      }),
      { numRuns: 300 },
    )
  })

  test('is refused where one bit of URL, body or signature differs', () => {
    const genuine = signedCallback('delivered')
    const flips = fc.record({ part: fc.constantFrom('url', 'body', 'signature'), at: fc.nat(), bit: fc.nat(6) })
    fc.assert(
      fc.property(flips, ({ part, at, bit }) => {
        const flipped = flip(genuine, part, at, bit)
        // A letter of the form may be written in two ways that mean the same.
        if (sameMeaning(flipped, genuine)) return
        assert.deepEqual(read(flipped), { kind: 'refused', reason: 'forged' })
      }),
      { numRuns: 500 },
    )
  })

  test('is refused without a signature, and with a parameter that comes twice', () => {
    const { url, body, headers } = signedCallback('delivered')
    assert.deepEqual(read({ url, headers: {}, body }), { kind: 'refused', reason: 'unsigned' })
    const twice = Buffer.concat([body, Buffer.from('&MessageStatus=delivered')])
    assert.deepEqual(read({ url, headers, body: twice }), { kind: 'refused', reason: 'forged' })
  })

  test('is one request however its parameters are ordered, and another with another delivery', () => {
    const { url, headers, body } = signedCallback('delivered')
    const reversed = Buffer.from(body.toString().split('&').toReversed().join('&'))
    const [one, other] = [read({ url, headers, body }), read({ url, headers, body: reversed })]
    assert.ok(one.kind === 'verified' && other.kind === 'verified')
    assert.deepEqual(Buffer.from(one.identity), Buffer.from(other.identity))
    const elsewhere = read(signedForm({ url: callbackUrl.replace('1', '2'), parameters: callbackParameters }))
    assert.ok(elsewhere.kind === 'verified')
    assert.notDeepEqual(Buffer.from(elsewhere.identity), Buffer.from(one.identity))
  })

  test('of a delivery that is too old to be reported about is stale, and its receipt is kept until then', () => {
    const request = signedCallback('delivered')
    const reading = read(request)
    assert.ok(reading.kind === 'verified' && reading.repeatableUntilMs !== null)
    assert.equal(reading.repeatableUntilMs, createdAtMsOf(webhookDeliveryId) + 31 * dayMs)
    assert.equal(statusWebhook.read(request, reading.repeatableUntilMs).kind, 'verified')
    const late = statusWebhook.read(request, reading.repeatableUntilMs + 1)
    assert.deepEqual(late, { kind: 'refused', reason: 'stale' })
  })

  test('without a message id is unreadable', () => {
    const reading = read(signedCallback('delivered', { MessageSid: 'none' }))
    assert.deepEqual(reading, { kind: 'refused', reason: 'unreadable' })
  })
})

describe('a text to one of our numbers', () => {
  const wishOf = (body: string, parameters?: Record<string, string>) =>
    feedbackOf(inboundWebhook.read(signedText(body, parameters), nowMs))[0]?.kind

  for (const word of stopWords) test(`“${word}” stops`, () => assertAnyCase(word, 'stopped'))
  for (const word of startWords) test(`“${word}” starts again`, () => assertAnyCase(word, 'restarted'))
  for (const word of helpWords) test(`“${word}” changes nothing`, () => assertAnyCase(word, undefined))

  function assertAnyCase(word: string, wish: string | undefined): void {
    for (const body of [word, word.toUpperCase(), ` ${word}.\n`, `“${word}!”`]) assert.equal(wishOf(body), wish, body)
  }

  test('has the words of Twilio and of the FCC', () => {
    const words = ['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'opt out', 'Opt-Out']
    for (const word of words) assert.equal(wishOf(word), 'stopped', word)
  })

  test('that only contains such a word is a text', () => {
    for (const body of ['please stop by on Friday', 'stopping', '', 'YES PLEASE STOP']) {
      assert.equal(wishOf(body), undefined, body)
    }
  })

  test('means what Advanced Opt-Out recognised, in whatever language it was', () => {
    assert.equal(wishOf('수신거부', { OptOutType: 'STOP' }), 'stopped')
    assert.equal(wishOf('Weiter', { OptOutType: 'START' }), 'restarted')
    assert.equal(wishOf('stop', { OptOutType: 'HELP' }), undefined)
  })

  test('names the number by its hash alone, and is remembered for ever: nothing in it says when it was made', () => {
    const reading = inboundWebhook.read(signedText('STOP'), nowMs)
    assert.ok(reading.kind === 'verified')
    assert.equal(reading.repeatableUntilMs, null)
    const [feedback] = reading.feedback
    assert.deepEqual(feedback?.addressHash, hashAddress('sms', '+14155550100'))
    assert.deepEqual([feedback?.deliveryId, feedback?.channel], [null, 'sms'])
    assert.doesNotMatch(JSON.stringify({ ...feedback, addressHash: null }), /4155550100/)
  })

  test('from what is no number of a person is ignored', () => {
    for (const From of ['12345', 'whatsapp:+14155550100', '', 'Bank']) {
      assert.equal(wishOf('STOP', { From }), undefined, From)
    }
  })

  test('is refused where it was not signed for this very URL', () => {
    const { headers, body } = signedText('STOP')
    const elsewhere = inboundWebhook.read({ url: inboundUrl.replace('inbound', 'status'), headers, body }, nowMs)
    assert.deepEqual(elsewhere, { kind: 'refused', reason: 'forged' })
  })
})

function flip(request: WebhookRequest, part: string, at: number, bit: number): WebhookRequest {
  const flipped = (bytes: Uint8Array) => {
    const copy = Buffer.from(bytes)
    const index = at % copy.length
    copy[index] = (copy[index] ?? 0) ^ (1 << bit)
    return copy
  }
  if (part === 'body') return { ...request, body: flipped(request.body) }
  if (part === 'url') return { ...request, url: flipped(Buffer.from(request.url)).toString('latin1') }
  const signature = flipped(Buffer.from(request.headers['x-twilio-signature'] ?? '')).toString('latin1')
  return { ...request, headers: { 'x-twilio-signature': signature } }
}

function sameMeaning(one: WebhookRequest, other: WebhookRequest): boolean {
  const fields = ({ body }: WebhookRequest) =>
    [...new URLSearchParams(Buffer.from(body).toString())].map(([name, value]) => `${name}=${value}`).toSorted()
  return (
    one.url === other.url &&
    one.headers['x-twilio-signature'] === other.headers['x-twilio-signature'] &&
    fields(one).join('&') === fields(other).join('&')
  )
}
