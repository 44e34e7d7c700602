import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants, createSecureServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { OutgoingMessage, Outcome, Provider } from '../../src/domain/provider.ts'
import { createCertificate } from '../../src/local/simulator/certificate.ts'
import { apnsTokenFor } from '../../src/local/simulator/apns.ts'
import { listenLocally } from '../../src/local/simulator/http-server.ts'
import type { LedgerEntry } from '../../src/local/simulator/ledger.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'
import { documentedRefusals } from '../../src/providers/apns/classify.ts'
import { apnsSettings, type ApnsSettings } from '../../src/providers/apns/config.ts'
import { createApnsProvider } from '../../src/providers/apns/provider.ts'
import { describeProvider } from './provider-suite.ts'

function settingsFrom(environment: Record<string, string>, timeoutMs = 10_000): ApnsSettings {
  return apnsSettings.parse({
    signingKey: environment['FANFARE_APNS_SIGNING_KEY'],
    keyId: environment['FANFARE_APNS_KEY_ID'],
    teamId: environment['FANFARE_APNS_TEAM_ID'],
    topic: environment['FANFARE_APNS_TOPIC'],
    environment: environment['FANFARE_APNS_ENVIRONMENT'],
    endpoint: environment['FANFARE_APNS_ENDPOINT'],
    ca: environment['FANFARE_APNS_CA'],
    timeoutMs,
  })
}

const deviceToken = (number: number) => `${number.toString(16).padStart(8, '0')}`.padStart(64, 'ab')

describeProvider({
  name: 'apns',
  connect: (environment, { requestTimeoutMs, now }) =>
    createApnsProvider(settingsFrom(environment, requestTimeoutMs), { now }),
  pointAt: (environment, port) => ({ ...environment, FANFARE_APNS_ENDPOINT: `https://127.0.0.1:${port}` }),
  address: deviceToken,
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
    retry: { status: 500, code: 'InternalServerError' },
    rejected: { status: 410, code: 'Unregistered' },
    misconfigured: { status: 403, code: 'InvalidProviderToken' },
  },
  retryAfter: { status: 429, code: 'TooManyRequests' },
  callsAtOnceMax: null,
})

describe('APNs', () => {
  let simulator: Simulator
  let provider: Provider<'push'>
  let addresses = 1_000

  before(async () => {
    simulator = await startSimulator()
    provider = createApnsProvider(settingsFrom(simulator.environment), { now: Date.now })
  })
  after(async () => {
    await provider.close()
    await simulator.stop()
  })

  function aMessage(changes: Partial<OutgoingMessage<'push'>> = {}): OutgoingMessage<'push'> {
    return {
      deliveryId: randomUUID(),
      address: deviceToken((addresses += 1)),
      message: {
        kind: 'push',
        title: 'Back in stock',
        body: 'The kettle is back.',
        callToAction: null,
        deepLink: null,
        feedbackToken: null,
      },
      expiresAt: Date.now() + 3_600_000,
      collapseKey: null,
      ...changes,
    }
  }

  async function send(message: OutgoingMessage<'push'>, through = provider): Promise<Outcome | undefined> {
    const [outcome] = await through.send([message], new AbortController().signal)
    return outcome
  }

  function callOf({ deliveryId }: OutgoingMessage<'push'>): LedgerEntry | undefined {
    return [...simulator.ledger.entries({ deliveryId })][0]
  }

  for (const { status, reason, outcome } of documentedRefusals) {
    test(`answers ${status} ${reason} as ${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`, async () => {
      const message = aMessage()
      const fault = { kind: 'status', status, code: reason } as const
      simulator.faults.add({ provider: 'apns', match: { address: message.address }, fault })
      const { invalidSinceMs, ...rest } = (await send(message)) as Outcome & { invalidSinceMs?: number }
      assert.deepEqual(rest, outcome)
      // A 410 says since when.
      assert.equal(invalidSinceMs !== undefined, status === 410)
      assert.ok(Math.abs((invalidSinceMs ?? Date.now()) - Date.now()) < 10_000)
      assert.equal([...simulator.ledger.entries({ deliveryId: message.deliveryId })].length, 1)
    })
  }

  test('treats a refusal that is not documented by its status', async () => {
    const expected: [number, Outcome][] = [
      [400, { kind: 'rejected', reason: 'refused' }],
      [403, { kind: 'misconfigured', reason: 'authentication_failed' }],
      [410, { kind: 'rejected', reason: 'refused' }],
      [502, { kind: 'retry', reason: 'provider_unavailable' }],
      [504, { kind: 'unknown', reason: 'timed_out' }],
    ]
    for (const [status, outcome] of expected) {
      const message = aMessage()
      const fault = { kind: 'status', status, code: 'NeverHeardOf' } as const
      simulator.faults.add({ provider: 'apns', match: { address: message.address }, fault })
      assert.deepEqual(await send(message), outcome, String(status))
    }
  })

  test('passes expiry, collapse key, priority, call to action, deep link and feedback token on', async () => {
    const expiresAt = Date.now() + 60_000
    const callToAction = { title: 'Buy', url: 'https://example.com/kettle' }
    const message = aMessage({
      expiresAt,
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
    const content = callOf(message)?.content
    assert.equal(content?.title, 'Back')
    assert.equal(content?.body, 'Kettle')
    assert.deepEqual(content?.parameters, {
      'apns-topic': 'com.example.fanfare',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': String(Math.floor(expiresAt / 1000)),
      'apns-collapse-id': 'kettle',
      deliveryId: message.deliveryId,
      callToActionTitle: 'Buy',
      url: 'https://example.com/kettle',
      deepLink: 'shop://items/kettle',
      feedbackToken: 'a-token',
    })
  })

  test('turns a collapse key that is too long or no header text into an id that equal keys share', async () => {
    const long = 'x'.repeat(65)
    const messages = [long, long, 'schlüssel\n'].map((collapseKey) => aMessage({ collapseKey }))
    for (const message of messages) assert.equal((await send(message))?.kind, 'accepted')
    const [first, second, third] = messages.map((message) => callOf(message)?.content.parameters?.['apns-collapse-id'])
    assert.match(first ?? '', /^[0-9a-f]{64}$/)
    assert.equal(first, second)
    assert.notEqual(first, third)
  })

  test('never calls APNs with a token that would bend the path, and counts the address as dead', async () => {
    for (const address of ['', '../x', 'abc/def', 'zz', 'ab\r\ncd']) {
      const message = aMessage({ address })
      assert.deepEqual(await send(message), { kind: 'rejected', reason: 'invalid_address', invalidAddress: true })
      assert.equal(callOf(message), undefined)
    }
  })

  test('refuses a payload over 4 KB in the words of APNs, however odd its characters', async () => {
    const body = (count: number) =>
      aMessage({
        message: {
          kind: 'push',
          title: '',
          body: '😀\ud800'.repeat(count),
          callToAction: null,
          deepLink: null,
          feedbackToken: null,
        },
      })
    assert.equal((await send(body(100)))?.kind, 'accepted')
    assert.deepEqual(await send(body(500)), { kind: 'rejected', reason: 'message_too_large' })
  })

  test('has its provider token accepted, and names the account when the key is another', async () => {
    const other = await startSimulator()
    const stranger = createApnsProvider(
      settingsFrom({
        ...simulator.environment,
        FANFARE_APNS_SIGNING_KEY: other.environment['FANFARE_APNS_SIGNING_KEY'] ?? '',
      }),
      { now: Date.now },
    )
    await other.stop()
    assert.deepEqual(await send(aMessage(), stranger), { kind: 'misconfigured', reason: 'authentication_failed' })
    await stranger.close()
  })

  test('keeps going when the server ends the connection politely', async () => {
    const tokens = [apnsTokenFor('GoAway', '01'), deviceToken(1), apnsTokenFor('GoAway', '02'), deviceToken(2)]
    for (const address of tokens) assert.equal((await send(aMessage({ address })))?.kind, 'accepted')
  })

  test('does not end the calls of others when APNs answers 500, again and again', async () => {
    const slow = Array.from({ length: 10 }, () => aMessage())
    for (const { address } of slow) {
      simulator.faults.add({ provider: 'apns', match: { address }, fault: { kind: 'latency', ms: 300 } })
    }
    const sending = provider.send(slow, new AbortController().signal)
    for (let round = 0; round < 5; round += 1) {
      const address = apnsTokenFor('InternalServerError', `0${round}`)
      assert.equal((await send(aMessage({ address })))?.kind, 'retry')
    }
    const outcomes = await sending
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['accepted']))
  })

  test('leaves a connection that has gone silent, so that the next call gets another', async () => {
    const { keyPem, certificatePem } = await createCertificate(['127.0.0.1'])
    let sessions = 0
    const server = createSecureServer({ key: keyPem, cert: certificatePem })
    server.on('session', () => (sessions += 1))
    server.on('stream', (stream) => {
      stream.on('error', () => undefined)
      // The first connection is dead: it never answers, and never says so.
      if (sessions > 1) stream.respond({ ':status': 200, 'apns-id': 'an-id' }, { endStream: true })
    })
    const listening = await listenLocally(server, 0)
    const endpoint = { FANFARE_APNS_ENDPOINT: `https://127.0.0.1:${listening.port}`, FANFARE_APNS_CA: certificatePem }
    const impatient = createApnsProvider(settingsFrom({ ...simulator.environment, ...endpoint }, 200), {
      now: Date.now,
    })
    assert.deepEqual(await send(aMessage(), impatient), { kind: 'unknown', reason: 'timed_out' })
    assert.deepEqual(await send(aMessage(), impatient), { kind: 'accepted', providerMessageId: 'an-id' })
    await impatient.close()
    await listening.stop()
  })

  test('takes a stream that the server refused unprocessed for a definite no', async () => {
    const { keyPem, certificatePem } = await createCertificate(['127.0.0.1'])
    const server = createSecureServer({ key: keyPem, cert: certificatePem })
    server.on('stream', (stream) => {
      stream.on('error', () => undefined)
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
    })
    const listening = await listenLocally(server, 0)
    const endpoint = { FANFARE_APNS_ENDPOINT: `https://127.0.0.1:${listening.port}`, FANFARE_APNS_CA: certificatePem }
    const connected = createApnsProvider(settingsFrom({ ...simulator.environment, ...endpoint }), { now: Date.now })
    assert.deepEqual(await send(aMessage(), connected), { kind: 'retry', reason: 'provider_unavailable' })
    await connected.close()
    await listening.stop()
  })

  test('does not trust a server whose certificate its authority did not sign', async () => {
    const other = await createCertificate(['127.0.0.1'])
    const distrusting = createApnsProvider(
      settingsFrom({ ...simulator.environment, FANFARE_APNS_CA: other.certificatePem }),
      { now: Date.now },
    )
    const message = aMessage()
    assert.deepEqual(await send(message, distrusting), { kind: 'retry', reason: 'connection_failed' })
    assert.equal(callOf(message), undefined)
    await distrusting.close()
  })
})

describe('the settings of APNs', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const settings = { keyId: 'ABCDE12345', teamId: 'FGHIJ67890', topic: 'com.example.app' }

  test('take a key inline, with its line breaks written out, or as the path of a file', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'fanfare-key-'))
    context.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'key.p8')
    await writeFile(path, pem)
    for (const signingKey of [pem, pem.replaceAll('\n', '\\n'), path]) {
      assert.equal(apnsSettings.parse({ ...settings, signingKey }).signingKey, pem)
    }
  })

  test('say what is wrong without quoting a key', () => {
    const body = pem.split('\n')[1] ?? ''
    const wrong = [body, pem.replace('BEGIN', 'BEGUN'), pem.slice(0, 80), '/nowhere/key.p8']
    for (const signingKey of wrong) {
      const { error } = apnsSettings.safeParse({ ...settings, signingKey })
      assert.match(String(error), /expected an EC private key as PEM/)
      assert.ok(!String(error).includes(body.slice(0, 20)))
    }
  })
})
