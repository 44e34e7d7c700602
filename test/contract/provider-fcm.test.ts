import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:https'
import { after, before, describe, test } from 'node:test'
import type { OutgoingMessage, Outcome, Provider } from '../../src/domain/provider.ts'
import { createCertificate } from '../../src/local/simulator/certificate.ts'
import { listenLocally } from '../../src/local/simulator/http-server.ts'
import type { LedgerEntry } from '../../src/local/simulator/ledger.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'
import { classifyMissingToken, classifyRefusal, documentedRefusals } from '../../src/providers/fcm/classify.ts'
import { fcmSettings, type FcmSettings } from '../../src/providers/fcm/config.ts'
import { createFcmProvider } from '../../src/providers/fcm/provider.ts'
import { describeProvider } from './provider-suite.ts'

function settingsFrom(environment: Record<string, string>, timeoutMs = 10_000): FcmSettings {
  return fcmSettings.parse({
    projectId: environment['FANFARE_FCM_PROJECT_ID'],
    accessToken: environment['FANFARE_FCM_ACCESS_TOKEN'],
    endpoint: environment['FANFARE_FCM_ENDPOINT'],
    ca: environment['FANFARE_FCM_CA'],
    timeoutMs,
  })
}

describeProvider({
  name: 'fcm',
  connect: (environment, { requestTimeoutMs, now }) =>
    createFcmProvider(settingsFrom(environment, requestTimeoutMs), { now }),
  pointAt: (environment, port) => ({ ...environment, FANFARE_FCM_ENDPOINT: `https://127.0.0.1:${port}` }),
  address: (number) => `registration-token-of-${number}.`,
  message: (marker) => ({
    kind: 'push',
    title: marker,
    body: marker,
    callToAction: { title: marker, url: `https://example.com/${marker}` },
    deepLink: `shop://${marker}`,
    feedbackToken: marker,
  }),
  carriesDeliveryId: true,
  refusals: {
    retry: { status: 500, code: 'INTERNAL' },
    rejected: { status: 404, code: 'UNREGISTERED' },
    misconfigured: { status: 401, code: 'THIRD_PARTY_AUTH_ERROR' },
  },
  retryAfter: { status: 429, code: 'QUOTA_EXCEEDED' },
  callsAtOnceMax: null,
})

describe('FCM', () => {
  let simulator: Simulator
  let provider: Provider<'push'>
  let addresses = 0
  const now = Date.parse('2026-03-01T12:00:00Z')

  before(async () => {
    simulator = await startSimulator()
    provider = createFcmProvider(settingsFrom(simulator.environment), { now: () => now })
  })
  after(async () => {
    await provider.close()
    await simulator.stop()
  })

  function aMessage(changes: Partial<OutgoingMessage<'push'>> = {}): OutgoingMessage<'push'> {
    return {
      deliveryId: randomUUID(),
      address: `another-token-of-${(addresses += 1)}.`,
      message: {
        kind: 'push',
        title: 'Back in stock',
        body: 'The kettle is back.',
        callToAction: null,
        deepLink: null,
        feedbackToken: null,
      },
      expiresAt: now + 3_600_000,
      collapseKey: null,
      ...changes,
    }
  }

  async function send(message: OutgoingMessage<'push'>, through = provider): Promise<Outcome | undefined> {
    const [outcome] = await through.send([message], new AbortController().signal)
    return outcome
  }

  function callsOf({ deliveryId }: OutgoingMessage<'push'>): LedgerEntry[] {
    return [...simulator.ledger.entries({ deliveryId })]
  }

  for (const { status, errorCode, rpcStatus, outcome } of documentedRefusals) {
    const name = `${status} ${errorCode ?? `${rpcStatus} without an FcmError`}`
    test(`answers ${name} as ${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`, async () => {
      const message = aMessage()
      const code = errorCode === null ? {} : { code: errorCode }
      const match = { address: message.address }
      simulator.faults.add({ provider: 'fcm', match, fault: { kind: 'status', status, ...code } })
      // Firebase asks for a minute after a 429 that names no time.
      const wait = 'reason' in outcome && outcome.reason === 'throttled' ? { notBeforeMs: now + 60_000 } : {}
      assert.deepEqual(await send(message), { ...outcome, ...wait })
      assert.equal(callsOf(message).length, 1)
    })
  }

  test('treats a refusal that is not documented by its status', () => {
    const refusal = (status: number) =>
      classifyRefusal({ status, body: { error: { status: 'NEVER_HEARD_OF' } }, retryAfter: undefined }, now)
    assert.deepEqual(refusal(418), { kind: 'rejected', reason: 'refused' })
    assert.deepEqual(refusal(404), { kind: 'misconfigured', reason: 'account_misconfigured' })
    assert.deepEqual(refusal(502), { kind: 'retry', reason: 'provider_unavailable' })
    assert.deepEqual(refusal(504), { kind: 'unknown', reason: 'timed_out' })
  })

  test('reads every form of body without failing', () => {
    const bodies = [
      undefined,
      null,
      '',
      '<html>',
      [],
      {},
      { error: null },
      { error: 'x' },
      { error: { details: [null] } },
    ]
    for (const body of bodies) {
      assert.equal(classifyRefusal({ status: 503, body, retryAfter: undefined }, now).kind, 'retry')
    }
  })

  test('blames the account when Google refuses an access token, and the way there when it does not answer', () => {
    assert.deepEqual(classifyMissingToken(400), { kind: 'misconfigured', reason: 'authentication_failed' })
    assert.deepEqual(classifyMissingToken(401), { kind: 'misconfigured', reason: 'authentication_failed' })
    assert.deepEqual(classifyMissingToken(429), { kind: 'retry', reason: 'throttled' })
    assert.deepEqual(classifyMissingToken(503), { kind: 'retry', reason: 'provider_unavailable' })
    assert.deepEqual(classifyMissingToken(undefined), { kind: 'retry', reason: 'connection_failed' })
  })

  test('passes time-to-live, collapse key, priority, call to action, deep link and feedback token on', async () => {
    const callToAction = { title: 'Buy', url: 'https://example.com/kettle' }
    const message = aMessage({
      expiresAt: now + 90_999,
      collapseKey: 'kettle',
      message: {
        kind: 'push',
        title: 'Back',
        body: 'Kettle',
        callToAction,
        deepLink: 'shop://items/kettle',
        feedbackToken: 'a-token',
      },
    })
    assert.equal((await send(message))?.kind, 'accepted')
    assert.deepEqual(callsOf(message)[0]?.content, {
      title: 'Back',
      body: 'Kettle',
      parameters: {
        ttl: '90s',
        collapse_key: 'kettle',
        priority: 'high',
        deliveryId: message.deliveryId,
        callToActionTitle: 'Buy',
        url: 'https://example.com/kettle',
        deepLink: 'shop://items/kettle',
        feedbackToken: 'a-token',
      },
    })
  })

  test('keeps the time-to-live within what FCM takes', async () => {
    for (const [expiresAt, ttl] of [
      [now - 1, '0s'],
      [now + 90 * 24 * 3_600_000, '2419200s'],
    ] as const) {
      const message = aMessage({ expiresAt })
      assert.equal((await send(message))?.kind, 'accepted')
      assert.equal(callsOf(message)[0]?.content.parameters?.['ttl'], ttl)
    }
  })

  test('blames the account for an access token that Google does not know', async () => {
    const environment = { ...simulator.environment, FANFARE_FCM_ACCESS_TOKEN: 'stale' }
    const stranger = createFcmProvider(settingsFrom(environment), { now: Date.now })
    assert.deepEqual(await send(aMessage(), stranger), { kind: 'misconfigured', reason: 'authentication_failed' })
    await stranger.close()
  })

  test('blames the account for a project that does not exist, and forgets no device for it', async () => {
    const environment = { ...simulator.environment, FANFARE_FCM_PROJECT_ID: 'another-project' }
    const stranger = createFcmProvider(settingsFrom(environment), { now: Date.now })
    assert.deepEqual(await send(aMessage(), stranger), { kind: 'misconfigured', reason: 'account_misconfigured' })
    await stranger.close()
  })

  test('rejects an empty token without a call', async () => {
    const message = aMessage({ address: '' })
    assert.deepEqual(await send(message), { kind: 'rejected', reason: 'invalid_address', invalidAddress: true })
    assert.deepEqual(callsOf(message), [])
  })

  test('waits for no sleep of the SDK after a 503 with Retry-After', async () => {
    const message = aMessage()
    const fault = { kind: 'status', status: 503, code: 'UNAVAILABLE', retryAfterSeconds: 3 } as const
    simulator.faults.add({ provider: 'fcm', match: { address: message.address }, fault })
    const startedAtMs = Date.now()
    const outcome = await send(message)
    assert.deepEqual(outcome, { kind: 'retry', reason: 'provider_unavailable', notBeforeMs: now + 3_000 })
    assert.ok(Date.now() - startedAtMs < 2_500)
    assert.equal(callsOf(message).length, 1)
  })

  test('notices when the connection breaks in the middle of an answer', async () => {
    const { keyPem, certificatePem } = await createCertificate(['fcm.googleapis.com'])
    const server = createServer({ key: keyPem, cert: certificatePem }, (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"name": ', () => response.destroy())
      })
    })
    const listening = await listenLocally(server, 0)
    const endpoint = { FANFARE_FCM_ENDPOINT: `https://127.0.0.1:${listening.port}`, FANFARE_FCM_CA: certificatePem }
    const connected = createFcmProvider(settingsFrom({ ...simulator.environment, ...endpoint }), { now: Date.now })
    const startedAtMs = Date.now()
    assert.deepEqual(await send(aMessage(), connected), { kind: 'unknown', reason: 'connection_lost' })
    assert.ok(Date.now() - startedAtMs < 5_000, 'before the time-out')
    await connected.close()
    await listening.stop()
  })

  test('does not trust a server whose certificate its authority did not sign', async () => {
    const other = await createCertificate(['fcm.googleapis.com'])
    const environment = { ...simulator.environment, FANFARE_FCM_CA: other.certificatePem }
    const distrusting = createFcmProvider(settingsFrom(environment), { now: Date.now })
    const message = aMessage()
    assert.deepEqual(await send(message, distrusting), { kind: 'retry', reason: 'connection_failed' })
    assert.deepEqual(callsOf(message), [])
    await distrusting.close()
  })
})
