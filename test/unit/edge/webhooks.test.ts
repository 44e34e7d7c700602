import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createdAtMsOf } from '../../../src/domain/identity.ts'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import type { WebhookRequest } from '../../../src/domain/webhook.ts'
import { createHttpServer, listen, type ListeningServer } from '../../../src/http/server.ts'
import { createSendgridWebhook } from '../../../src/providers/sendgrid/webhook.ts'
import { createTwilioInboundWebhook } from '../../../src/providers/twilio/inbound.ts'
import { createTwilioStatusWebhook } from '../../../src/providers/twilio/webhook.ts'
import { webhookRoutes, type WebhookObservation, type WebhookPorts } from '../../../src/services/edge/webhooks.ts'
import { createLogger } from '../../../src/telemetry/log.ts'
import {
  callbackUrl,
  sendgridEvent,
  sendgridKeys,
  signedBatch,
  signedCallback,
  signedText,
  twilioToken,
  webhookDeliveryId,
} from '../../support/builders/webhooks.ts'

const keys = sendgridKeys()
const nowMs = createdAtMsOf(webhookDeliveryId) + 60_000
const hashAddress = () => new Uint8Array(32)
const away = new DependencyUnavailable('postgres', 'ECONNREFUSED')

describe('a webhook at the edge', () => {
  let listening: ListeningServer
  let published: ProviderFeedback[][] = []
  let observed: WebhookObservation[] = []
  /** What happened in the order in which it did. */
  let steps: string[] = []
  let kept = new Map<string, number | null>()
  let failing: Partial<Record<'isKept' | 'publish' | 'keep', Error>> = {}

  const step = (name: 'isKept' | 'publish' | 'keep') => {
    steps.push(name)
    const failure = failing[name]
    if (failure !== undefined) throw failure
  }
  const ports: WebhookPorts = {
    webhooks: [
      createTwilioStatusWebhook([twilioToken], hashAddress),
      createTwilioInboundWebhook([twilioToken], hashAddress),
      createSendgridWebhook([keys.publicKey], hashAddress),
    ],
    publicUrl: 'https://edge.example.com',
    receipts: {
      isKept: async (digest) => {
        step('isKept')
        return kept.has(Buffer.from(digest).toString('hex'))
      },
      keep: async (digest, untilMs) => {
        step('keep')
        kept.set(Buffer.from(digest).toString('hex'), untilMs)
      },
    },
    publish: async (feedback) => {
      step('publish')
      published.push([...feedback])
    },
    sha256: (input) => createHash('sha256').update(input).digest(),
    now: () => nowMs,
    observe: (observation) => observed.push(observation),
  }

  before(async () => {
    const server = await createHttpServer({
      log: createLogger({ role: 'test', level: 'silent' }),
      bodyLimitBytes: 1_024,
      trustedProxies: 0,
      observe: () => {},
    })
    webhookRoutes(server, ports)
    listening = await listen(server, { host: '127.0.0.1', port: 0 })
  })
  after(() => listening.close())
  beforeEach(() => {
    published = []
    observed = []
    steps = []
    kept = new Map()
    failing = {}
  })

  async function post({ url, headers, body }: WebhookRequest): Promise<{ status: number; text: string }> {
    const { pathname, search } = new URL(url)
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const answer = await fetch(`http://127.0.0.1:${listening.port}${pathname}${search}`, {
      method: 'POST',
      headers: given,
      body: Uint8Array.from(body),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const results = () => observed.flatMap((each) => (each.kind === 'webhook' ? [each.result] : []))
  const batch = (...events: Record<string, unknown>[]) => signedBatch({ events, keys, atMs: nowMs })

  test('is published before it is remembered, and only then answered with success', async () => {
    assert.deepEqual(await post(signedCallback('delivered')), { status: 204, text: '' })
    assert.deepEqual(steps, ['isKept', 'publish', 'keep'])
    assert.deepEqual(
      published.flat().map(({ kind, deliveryId }) => [kind, deliveryId]),
      [['delivered', webhookDeliveryId]],
    )
    assert.deepEqual(results(), ['taken'])
  })

  test('of many events is one publication', async () => {
    const events = ['delivered', 'open', 'click', 'processed', 'teleported'].map((event) => sendgridEvent(event))
    assert.equal((await post(batch(...events))).status, 204)
    assert.deepEqual(
      published.map((each) => each.map(({ kind }) => kind)),
      [['delivered', 'opened', 'clicked']],
    )
    const counted = observed.flatMap((each) => (each.kind === 'webhook_events' ? [[each.outcome, each.count]] : []))
    assert.deepEqual(counted, [
      ['published', 3],
      ['ignored', 1],
      ['unknown', 1],
    ])
  })

  test('that comes again is answered as before, and nothing is done with it', async () => {
    for (const request of [signedCallback('delivered'), signedText('STOP'), batch(sendgridEvent('open'))]) {
      const [first, second] = [await post(request), await post(request)]
      assert.deepEqual(second, first)
    }
    assert.equal(published.length, 3)
    assert.deepEqual(results(), ['taken', 'repeated', 'taken', 'repeated', 'taken', 'repeated'])
  })

  test('with its parameters in another order is the same', async () => {
    const request = signedCallback('delivered')
    const reordered = { ...request, body: Buffer.from(request.body.toString().split('&').toReversed().join('&')) }
    assert.deepEqual([(await post(request)).status, (await post(reordered)).status], [204, 204])
    assert.equal(published.length, 1)
  })

  test('keeps its receipt for as long as a copy would be believed', async () => {
    await post(batch(sendgridEvent('open')))
    await post(signedText('STOP'))
    await post(signedCallback('delivered'))
    const day = 86_400_000
    const signedAtMs = Math.floor(nowMs / 1_000) * 1_000
    assert.deepEqual([...kept.values()], [signedAtMs + 600_000, null, createdAtMsOf(webhookDeliveryId) + 31 * day])
  })

  test('that means nothing to a delivery leaves nothing behind', async () => {
    for (const request of [signedCallback('sent'), signedText('hello'), batch(sendgridEvent('processed')), batch()]) {
      assert.equal((await post(request)).status, 204)
    }
    assert.deepEqual(steps, [])
    assert.deepEqual(results(), ['empty', 'empty', 'empty', 'empty'])
  })

  const genuine = signedCallback('delivered')
  const refused: [string, WebhookRequest, WebhookObservation & { kind: 'webhook' }][] = [
    ['unsigned', { ...genuine, headers: {} }, { kind: 'webhook', provider: 'twilio', result: 'unsigned' }],
    [
      'signed for another delivery',
      { ...genuine, url: callbackUrl.replace(/1$/, '2') },
      { kind: 'webhook', provider: 'twilio', result: 'forged' },
    ],
    [
      'signed eleven minutes ago',
      signedBatch({ events: [sendgridEvent('open')], keys, atMs: nowMs - 660_000 }),
      { kind: 'webhook', provider: 'sendgrid', result: 'stale' },
    ],
    [
      'signed by another key',
      signedBatch({ events: [sendgridEvent('open')], keys: sendgridKeys(), atMs: nowMs }),
      { kind: 'webhook', provider: 'sendgrid', result: 'forged' },
    ],
  ]
  for (const [what, request, observation] of refused) {
    test(`that is ${what} is 403 and counted, and nothing is asked or published`, async () => {
      const { status, text } = await post(request)
      assert.equal(status, 403)
      assert.equal((JSON.parse(text) as { detail: string }).detail, 'the request cannot be verified')
      assert.deepEqual(steps, [])
      assert.deepEqual(observed, [observation])
    })
  }

  test('that is signed and unreadable is 400, and its words are not quoted', async () => {
    const { status, text } = await post(signedBatch({ events: '{"secret": 1', keys, atMs: nowMs }))
    assert.equal(status, 400)
    assert.doesNotMatch(text, /secret/)
    assert.deepEqual(results(), ['unreadable'])
  })

  test('is not taken while Kafka is away: the provider is to try again, and then it is', async () => {
    failing = { publish: new DependencyUnavailable('kafka', 'ECONNREFUSED') }
    assert.equal((await post(signedCallback('delivered'))).status, 503)
    assert.deepEqual(steps, ['isKept', 'publish'])
    failing = {}
    assert.equal((await post(signedCallback('delivered'))).status, 204)
    assert.deepEqual(results(), ['unavailable', 'taken'])
  })

  test('is taken while the receipts are away: a repetition would be absorbed', async () => {
    failing = { isKept: away, keep: away }
    for (const request of [signedCallback('delivered'), signedText('STOP')]) {
      assert.equal((await post(request)).status, 204)
    }
    assert.equal(published.length, 2)
    assert.equal(observed.filter(({ kind }) => kind === 'receipts_unavailable').length, 4)
  })

  test('that takes back a STOP waits for the receipts: nothing would absorb a copy of an old one', async () => {
    failing = { isKept: away }
    assert.equal((await post(signedText('START'))).status, 503)
    assert.equal(published.length, 0)
    failing = { keep: away }
    assert.equal((await post(signedText('START'))).status, 503)
    failing = {}
    assert.equal((await post(signedText('START'))).status, 204)
    assert.deepEqual(results(), ['unavailable', 'unavailable', 'taken'])
  })

  test('over its provider’s largest size is cut off, and one of the largest size is not', async () => {
    const large = Array.from({ length: 2_000 }, (_, at) => sendgridEvent('delivered', { sg_event_id: `event-${at}` }))
    assert.equal((await post(batch(...large))).status, 204)
    assert.equal((await post(batch(...large, ...large))).status, 413)
    assert.equal((await post(signedCallback('delivered', { Body: 'x'.repeat(70_000) }))).status, 413)
    assert.equal(published.length, 1)
  })

  test('is taken whatever its content type says, and by POST alone', async () => {
    const { url, headers, body } = signedCallback('delivered')
    for (const type of ['application/x-www-form-urlencoded; charset=UTF-8', 'application/json', 'text/plain']) {
      assert.equal((await post({ url, headers: { ...headers, 'content-type': type }, body })).status, 204, type)
    }
    const got = await fetch(`http://127.0.0.1:${listening.port}/webhooks/twilio/status`)
    assert.equal(got.status, 404)
  })

  test('without a body is refused, and does not trip over it', async () => {
    const answer = await fetch(`http://127.0.0.1:${listening.port}/webhooks/sendgrid/events`, { method: 'POST' })
    assert.equal(answer.status, 403)
  })
})
