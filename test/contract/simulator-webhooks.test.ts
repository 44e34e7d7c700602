import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { validateRequest } from 'twilio/lib/webhooks/webhooks.js'
import type { Provider } from '../../src/domain/provider.ts'
import { readBody } from '../../src/local/simulator/http-server.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'
import type { WebhookEntry } from '../../src/local/simulator/webhook-ledger.ts'
import { sendgridSettings } from '../../src/providers/sendgrid/config.ts'
import { createSendgridProvider } from '../../src/providers/sendgrid/provider.ts'
import { twilioSettings } from '../../src/providers/twilio/config.ts'
import { createTwilioProvider } from '../../src/providers/twilio/provider.ts'

const deliveryId = '01996b1e-0c7b-8000-8000-000000000001'
const publicUrl = 'https://fanfare.example.com'

interface Received {
  path: string
  headers: Record<string, string | undefined>
  body: string
}

describe('the webhooks of the provider simulator', () => {
  let simulator: Simulator
  let sms: Provider<'sms'>
  let email: Provider<'email'>
  let received: Received[] = []
  let statusOf: (request: Received) => number = () => 204
  let target: string

  const edge = createServer((request, response) => {
    void readBody(request).then((body = '') => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const taken = { path: request.url ?? '', headers, body }
      received.push(taken)
      response.writeHead(statusOf(taken)).end()
    })
  })

  before(async () => {
    simulator = await startSimulator()
    const { environment } = simulator
    sms = createTwilioProvider(
      twilioSettings.parse({
        accountSid: environment['FANFARE_TWILIO_ACCOUNT_SID'],
        authToken: environment['FANFARE_TWILIO_AUTH_TOKEN'],
        from: environment['FANFARE_TWILIO_FROM'],
        endpoint: environment['FANFARE_TWILIO_ENDPOINT'],
        statusCallback: environment['FANFARE_TWILIO_STATUS_CALLBACK'],
      }),
      { now: Date.now },
    )
    email = createSendgridProvider(
      sendgridSettings.parse({
        apiKey: environment['FANFARE_SENDGRID_API_KEY'],
        from: environment['FANFARE_SENDGRID_FROM'],
        endpoint: environment['FANFARE_SENDGRID_ENDPOINT'],
      }),
      { now: Date.now },
    )
    edge.listen(0, '127.0.0.1')
    await once(edge, 'listening')
    target = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`
    simulator.webhooks.aim({ target, publicUrl })
  })
  after(async () => {
    await simulator.stop()
    await sms.close()
    await email.close()
    edge.closeAllConnections()
    edge.close()
    await once(edge, 'close')
  })
  afterEach(() => {
    received = []
    statusOf = () => 204
    simulator.webhooks.rules.clear()
    simulator.webhooks.misbehave({ duplicateShare: 0, delay: { kind: 'fixed', ms: 0 } })
    simulator.webhooks.aim({ target, publicUrl })
  })

  const common = { deliveryId, expiresAt: Date.now() + 3_600_000, collapseKey: null }
  const text = (address = '+14155550100') =>
    sms.send([{ ...common, address, message: { kind: 'sms', body: 'Hello', segments: 1 } }], AbortSignal.timeout(5_000))
  const mail = (address = 'person@example.com') => {
    const message = { kind: 'email', subject: 'Hello', text: 'Hello', html: '', headers: {}, tracked: false } as const
    return email.send([{ ...common, address, message }], AbortSignal.timeout(5_000))
  }
  async function story(since = simulator.webhooks.summary().total): Promise<WebhookEntry[]> {
    await simulator.webhooks.idle()
    return [...simulator.webhooks.ledger.entries(since)]
  }
  const events = () => received.flatMap(({ body }) => JSON.parse(body) as Record<string, unknown>[])

  test('report what Twilio accepted to its StatusCallback, and Twilio’s own code believes them', async () => {
    const [outcome] = await text()
    await simulator.webhooks.idle()
    const told = received.map(({ body }) => new URLSearchParams(body).get('MessageStatus') ?? '')
    assert.deepEqual(told.toSorted(), ['delivered', 'sent'])
    for (const { path, headers, body } of received) {
      assert.equal(path, `/webhooks/twilio/status?delivery=${deliveryId}`)
      const parameters = Object.fromEntries(new URLSearchParams(body))
      const token = simulator.environment['FANFARE_TWILIO_AUTH_TOKEN'] ?? ''
      const signature = headers['x-twilio-signature'] ?? ''
      assert.equal(validateRequest(token, signature, `${publicUrl}${path}`, parameters), true)
      assert.equal(validateRequest('another', signature, `${publicUrl}${path}`, parameters), false)
      assert.ok(outcome?.kind === 'accepted')
      assert.equal(parameters['MessageSid'], outcome.providerMessageId)
    }
  })

  test('bring what people text, in a form that Twilio’s own code believes', async () => {
    const entry = simulator.webhooks.text({ from: '+14155550100', body: 'STOP', optOutType: 'STOP' })
    await simulator.webhooks.idle()
    const [{ path, headers, body } = assert.fail('nothing came')] = received
    const parameters = Object.fromEntries(new URLSearchParams(body))
    assert.equal(path, '/webhooks/twilio/inbound')
    assert.deepEqual(
      [parameters['From'], parameters['Body'], parameters['OptOutType'], parameters['MessageSid']],
      ['+14155550100', 'STOP', 'STOP', entry.eventId],
    )
    const token = simulator.environment['FANFARE_TWILIO_AUTH_TOKEN'] ?? ''
    assert.equal(validateRequest(token, headers['x-twilio-signature'] ?? '', `${publicUrl}${path}`, parameters), true)
  })

  test('report what SendGrid accepted in batches, and SendGrid’s own code believes them', async () => {
    const require = createRequire(import.meta.url)
    const { EventWebhook } = require('@sendgrid/eventwebhook') as {
      EventWebhook: new () => {
        convertPublicKeyToECDSA(key: string): unknown
        verifySignature(key: unknown, body: string, signature: string, timestamp: string): boolean
      }
    }
    const [outcome] = await mail()
    await mail('another@example.com')
    await simulator.webhooks.idle()
    assert.ok(outcome?.kind === 'accepted')
    const official = new EventWebhook()
    const key = official.convertPublicKeyToECDSA(simulator.webhooks.sendgridPublicKey)
    assert.equal(simulator.environment['FANFARE_SENDGRID_WEBHOOK_PUBLIC_KEY'], simulator.webhooks.sendgridPublicKey)
    for (const { path, headers, body } of received) {
      assert.equal(path, '/webhooks/sendgrid/events')
      const signature = headers['x-twilio-email-event-webhook-signature'] ?? ''
      const timestamp = headers['x-twilio-email-event-webhook-timestamp'] ?? ''
      assert.equal(official.verifySignature(key, body, signature, timestamp), true)
      assert.equal(official.verifySignature(key, `${body} `, signature, timestamp), false)
    }
    const first = events().filter(({ email }) => email === 'person@example.com')
    assert.deepEqual(
      first.map(({ event, deliveryId: of }) => [event, of]),
      [
        ['processed', deliveryId],
        ['delivered', deliveryId],
      ],
    )
    for (const { sg_message_id: id } of first) {
      assert.ok(String(id).startsWith(`${outcome.providerMessageId}.`))
    }
  })

  test('tell the story that is scripted for an address, so many times', async () => {
    const reports = [{ event: 'undelivered', fields: { ErrorCode: '30005' } }]
    simulator.webhooks.rules.add({ provider: 'twilio', match: { address: '0177' }, times: 1, reports })
    await text('+14155550177')
    assert.deepEqual(
      (await story(simulator.webhooks.summary().total - 1)).map(({ event }) => event),
      ['undelivered'],
    )
    assert.equal(new URLSearchParams(received[0]?.body).get('ErrorCode'), '30005')
    await text('+14155550177')
    assert.equal((await story()).length, 0)
    assert.equal(received.length, 3)
  })

  test('tell what is scripted in its own order and time, and nothing where nothing is scripted', async () => {
    const reports = [{ event: 'delivered' }, { event: 'open', afterMs: 150, fields: { sg_machine_open: true } }]
    simulator.webhooks.rules.add({ provider: 'sendgrid', reports })
    simulator.webhooks.rules.add({ provider: 'twilio', reports: [] })
    await mail()
    await text()
    await simulator.webhooks.idle()
    assert.deepEqual(
      events().map(({ event, sg_machine_open: machine }) => [event, machine]),
      [
        ['delivered', undefined],
        ['open', true],
      ],
    )
  })

  test('come twice where they are to', async () => {
    simulator.webhooks.misbehave({ duplicateShare: 1 })
    await text()
    await simulator.webhooks.idle()
    assert.equal(received.length, 4)
    const [, delivered] = await story(simulator.webhooks.summary().total - 2)
    assert.equal(delivered?.sent, 2)
    assert.equal(new Set(received.map(({ body }) => body)).size, 2)
  })

  test('are repeated, signed anew, until they are taken', async () => {
    let refusals = 2
    statusOf = () => (refusals-- > 0 ? 503 : 204)
    simulator.webhooks.rules.add({ provider: 'sendgrid', reports: [{ event: 'delivered' }] })
    await mail()
    const [entry] = await story(simulator.webhooks.summary().total - 1)
    assert.deepEqual([entry?.sent, entry?.status], [3, 204])
    assert.ok(entry?.takenAtMs !== null)
    assert.equal(new Set(events().map(({ sg_event_id: id }) => id)).size, 1)
  })

  test('are not repeated where they are refused for good', async () => {
    statusOf = () => 403
    simulator.webhooks.rules.add({ provider: 'twilio', reports: [{ event: 'delivered' }] })
    const { lost } = simulator.webhooks.summary()
    await text()
    const [entry] = await story(simulator.webhooks.summary().total - 1)
    assert.deepEqual([entry?.sent, entry?.status, entry?.takenAtMs], [1, 403, null])
    assert.equal(simulator.webhooks.summary().lost, lost + 1)
  })

  test('are not sent until somebody says where', async () => {
    simulator.webhooks.aim(null)
    await text()
    assert.deepEqual([simulator.webhooks.summary().pending, received.length], [0, 0])
    assert.throws(() => simulator.webhooks.text({ from: '+14155550100', body: 'STOP' }), RangeError)
  })

  test('are reported of a message whose caller never heard that it was accepted', async () => {
    simulator.faults.add({ provider: 'twilio', times: 1, fault: { kind: 'reset', when: 'after' } })
    const [outcome] = await text()
    assert.equal(outcome?.kind, 'unknown')
    await simulator.webhooks.idle()
    assert.equal(received.length, 2)
  })

  test('are aimed, scripted, read and sent over the admin interface', async () => {
    const admin = async (path: string, method = 'GET', body?: unknown) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
      const answer = await fetch(`${simulator.adminUrl}${path}`, init)
      return { status: answer.status, text: await answer.text() }
    }
    simulator.webhooks.aim(null)
    assert.equal((await admin('/texts', 'POST', { from: '+14155550100', body: 'STOP' })).status, 400)
    assert.equal((await admin('/webhooks', 'PUT', { target, publicUrl: `${publicUrl}/` })).status, 200)
    assert.equal((await admin('/webhooks', 'PUT', { target: 'not a url', publicUrl })).status, 400)
    const rule = { provider: 'twilio', reports: [{ event: 'failed' }] }
    assert.equal((await admin('/webhooks/rules', 'POST', rule)).status, 200)
    assert.equal((await admin('/webhooks/rules', 'POST', { ...rule, provider: 'fcm' })).status, 400)
    assert.equal((await admin('/webhooks/disorder', 'PUT', { duplicateShare: 1 })).status, 200)
    const { total } = simulator.webhooks.summary()
    await text()
    assert.equal((await admin('/texts', 'POST', { from: '+14155550100', body: 'STOP' })).status, 202)
    await simulator.webhooks.idle()
    const summary = JSON.parse((await admin('/webhooks/summary')).text) as Record<string, number>
    assert.deepEqual([summary['pending'], summary['total']], [0, total + 2])
    const lines = (await admin(`/webhooks?since=${total}`)).text.trim().split('\n')
    assert.deepEqual(lines.map((line) => (JSON.parse(line) as WebhookEntry).event).toSorted(), ['failed', 'inbound'])
    assert.equal((await admin('/webhooks/rules', 'DELETE')).text, '[]')
  })
})
