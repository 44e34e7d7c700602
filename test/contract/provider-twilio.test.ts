import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { OutgoingMessage, Provider } from '../../src/domain/provider.ts'
import { documentedAnswers } from '../../src/providers/twilio/classify.ts'
import { twilioSettings } from '../../src/providers/twilio/config.ts'
import { createTwilioProvider } from '../../src/providers/twilio/provider.ts'
import { withAlikeServer } from '../support/alike-server.ts'
import { connectedProvider, wordsOf } from './connected-provider.ts'
import { describeProvider } from './provider-suite.ts'

interface Connection {
  requestTimeoutMs?: number
  now?: () => number
}

function connect(environment: Record<string, string>, connection: Connection = {}): Provider<'sms'> {
  const settings = twilioSettings.parse({
    accountSid: environment['FANFARE_TWILIO_ACCOUNT_SID'],
    authToken: environment['FANFARE_TWILIO_AUTH_TOKEN'],
    from: environment['FANFARE_TWILIO_FROM'],
    endpoint: environment['FANFARE_TWILIO_ENDPOINT'],
    statusCallback: environment['FANFARE_TWILIO_STATUS_CALLBACK'],
    timeoutMs: connection.requestTimeoutMs,
  })
  return createTwilioProvider(settings, { now: connection.now ?? Date.now })
}

describeProvider({
  name: 'twilio',
  connect,
  pointAt: (environment, port) => ({
    ...environment,
    FANFARE_TWILIO_ENDPOINT: `https://127.0.0.1:${port}`,
  }),
  address: (number) => `+1415${String(5_000_000 + number)}`,
  message: (marker) => ({ kind: 'sms', body: `Your code: ${marker}`, segments: 1 }),
  carriesDeliveryId: true,
  refusals: {
    retry: { status: 429, code: 20429 },
    rejected: { status: 400, code: 21614 },
    misconfigured: { status: 401, code: 20003 },
  },
  retryAfter: { status: 429, code: 20429 },
  callsAtOnceMax: 100,
})

/** What the documentation of each code demands, said a second time: a slip in the table is a difference here. */
const expected: Record<string, readonly number[]> = {
  'misconfigured authentication_failed': [20003, 20008],
  'misconfigured not_permitted': [20006, 20403, 70051],
  'misconfigured account_misconfigured': [
    10001, 10002, 20005, 20404, 30002, 90010, 21212, 21267, 21601, 21603, 21606, 21607, 21609, 21659, 21660, 21661,
    21701, 21703, 21704, 21705, 30032, 30034,
  ],
  'rejected invalid_address dead': [21211, 21265, 21266, 21268, 21604, 21614, 21635],
  'rejected recipient_opted_out': [21610],
  'rejected recipient_unreachable': [21612],
  'rejected not_permitted': [21408, 21608, 572002, 572005],
  'rejected content_refused': [21602, 21618, 21619],
  'rejected message_too_large': [21617],
  'rejected refused': [21624, 90007],
  'retry throttled': [20429, 21611, 30001, 63017, 63038],
  'retry provider_unavailable': [20503, 21730],
  'unknown provider_unavailable': [20500],
}

/** What a status without a documented code comes to. */
const expectedByStatus: Record<string, readonly number[]> = {
  'misconfigured authentication_failed': [401],
  'misconfigured not_permitted': [403],
  'misconfigured account_misconfigured': [302, 307, 402, 404, 405],
  'rejected message_too_large': [413],
  'rejected refused': [400, 409, 418, 422],
  'retry throttled': [429],
  'retry provider_unavailable': [408, 425, 502, 503, 599],
  'unknown provider_unavailable': [500],
  'unknown timed_out': [504],
}

describe('twilio beyond the contract', () => {
  const twilio = connectedProvider({ name: 'twilio', connect, someMessage })
  const { send, sendInto, callFor } = twilio
  let numbers = 0

  function someMessage(over: { to?: string; body?: string; expiresAt?: number } = {}): OutgoingMessage<'sms'> {
    numbers += 1
    return {
      deliveryId: randomUUID(),
      address: over.to ?? `+1646${String(5_000_000 + numbers)}`,
      message: { kind: 'sms', body: over.body ?? 'Your code is 123456', segments: 1 },
      expiresAt: over.expiresAt ?? Date.now() + 3_600_000,
      collapseKey: null,
    }
  }

  test('maps every documented code as its documentation demands', async () => {
    const outcomes: [number, string][] = []
    for (const { code, status } of documentedAnswers) {
      outcomes.push([code, wordsOf(await sendInto({ kind: 'status', status, code }))])
    }
    const demanded = Object.entries(expected).flatMap(([words, codes]) => codes.map((code) => [code, words] as const))
    assert.deepEqual(new Map(outcomes), new Map(demanded))
    assert.equal(outcomes.length, demanded.length, 'no code twice')
  })

  test('lets the code decide and not the status that it came with', async () => {
    assert.equal(wordsOf(await sendInto({ kind: 'status', status: 403, code: 21211 })), 'rejected invalid_address dead')
  })

  test('maps an undocumented code by its status', async () => {
    const demanded = Object.entries(expectedByStatus).flatMap(([words, statuses]) =>
      statuses.map((status) => [status, words] as const),
    )
    for (const [status, words] of demanded) {
      assert.equal(wordsOf(await sendInto({ kind: 'status', status, code: 99_999 })), words, `${status}`)
    }
  })

  test('takes what is not JSON for somebody else, except where the status says enough', async () => {
    const demanded = new Map([
      [400, 'rejected unreadable_answer'],
      [404, 'misconfigured account_misconfigured'],
      [502, 'retry unreadable_answer'],
      [504, 'unknown timed_out'],
    ])
    for (const [status, words] of demanded) {
      assert.equal(wordsOf(await sendInto({ kind: 'html', status })), words, `${status}`)
    }
  })

  test('gives a Retry-After only to what may be tried again, and ignores one that is beyond belief', async () => {
    const rejected = await sendInto({ kind: 'status', status: 400, code: 21211, retryAfterSeconds: 5 })
    assert.deepEqual(rejected, { kind: 'rejected', reason: 'invalid_address', invalidAddress: true })
    const forYears = await sendInto({ kind: 'status', status: 429, code: 20429, retryAfterSeconds: 100_000_000 })
    assert.deepEqual(forYears, { kind: 'retry', reason: 'throttled' })
  })

  test('answers the magic numbers as Twilio documents them', async () => {
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550001' }))), 'rejected invalid_address dead')
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550002' }))), 'rejected recipient_unreachable')
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550003' }))), 'rejected not_permitted')
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550004' }))), 'rejected recipient_opted_out')
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550009' }))), 'rejected invalid_address dead')
    assert.equal(wordsOf(await send(someMessage({ to: '+15005550503' }))), 'retry provider_unavailable')
    const throttled = await send(someMessage({ to: '+15005550429' }))
    assert.equal(wordsOf(throttled), 'retry throttled')
    assert.ok(throttled?.kind === 'retry' && throttled.notBeforeMs !== undefined)
  })

  test('sends a body as it is, with NUL, line ends and characters of every plane; a lone surrogate as U+FFFD', async () => {
    const body = 'a\u0000b\r\nü€😀 +&=%20'
    const message = someMessage({ body })
    assert.equal((await send(message))?.kind, 'accepted')
    assert.equal(callFor(message)?.content.body, body)

    const broken = someMessage({ body: 'x\ud800y' })
    assert.equal((await send(broken))?.kind, 'accepted')
    assert.equal(callFor(broken)?.content.body, 'x\ufffdy')
  })

  test('sends 1600 characters, and more is too large', async () => {
    assert.equal((await send(someMessage({ body: 'x'.repeat(1600) })))?.kind, 'accepted')
    assert.equal(wordsOf(await send(someMessage({ body: 'x'.repeat(1601) }))), 'rejected message_too_large')
  })

  test('tells Twilio in whole seconds, within its bounds, how long the message is worth sending', async () => {
    const nowMs = 1_700_000_000_000
    const frozen = connect(twilio.simulator.environment, { now: () => nowMs })
    try {
      const validityOf = async (expiresInMs: number): Promise<string | undefined> => {
        const message = someMessage({ expiresAt: nowMs + expiresInMs })
        assert.equal((await send(message, frozen))?.kind, 'accepted')
        return callFor(message)?.content.parameters?.['ValidityPeriod']
      }
      assert.equal(await validityOf(90_999), '90')
      assert.equal(await validityOf(6 * 86_400_000), '36000')
      assert.equal(await validityOf(999), '1')
      assert.equal(await validityOf(-5_000), '1')
    } finally {
      await frozen.close()
    }
  })

  test('sends from a number or through a messaging service', async () => {
    const fromNumber = someMessage()
    await send(fromNumber)
    assert.equal(callFor(fromNumber)?.content.parameters?.['From'], twilio.simulator.environment['FANFARE_TWILIO_FROM'])

    const service = `MG${'0'.repeat(32)}`
    const throughService = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_FROM: service })
    try {
      const message = someMessage()
      assert.equal((await send(message, throughService))?.kind, 'accepted')
      assert.equal(callFor(message)?.content.parameters?.['MessagingServiceSid'], service)
      assert.equal(callFor(message)?.content.parameters?.['From'], undefined)
    } finally {
      await throughService.close()
    }
  })

  test('asks for reports at the callback, its own parameters kept, or for none', async () => {
    const callback = 'https://edge.example.com/hooks?tenant=a%26b'
    const reported = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_STATUS_CALLBACK: callback })
    const { FANFARE_TWILIO_STATUS_CALLBACK: _, ...withoutCallback } = twilio.simulator.environment
    const silent = connect(withoutCallback)
    try {
      const message = someMessage()
      await send(message, reported)
      assert.equal(
        callFor(message)?.content.parameters?.['StatusCallback'],
        `${callback}&delivery=${message.deliveryId}`,
      )

      const unreported = someMessage()
      assert.equal((await send(unreported, silent))?.kind, 'accepted')
      const [call] = twilio.simulator.ledger.entries({ provider: 'twilio', address: unreported.address })
      assert.equal(call?.deliveryId, null)
      assert.equal(call?.content.parameters?.['StatusCallback'], undefined)
    } finally {
      await reported.close()
      await silent.close()
    }
  })

  test('is misconfigured with a wrong token or account', async () => {
    for (const wrong of [
      { FANFARE_TWILIO_AUTH_TOKEN: 'wrong' },
      { FANFARE_TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}` },
    ]) {
      const mistaken = connect({ ...twilio.simulator.environment, ...wrong })
      try {
        assert.equal(wordsOf(await send(someMessage(), mistaken)), 'misconfigured authentication_failed')
      } finally {
        await mistaken.close()
      }
    }
  })

  test('follows no redirect: a repeated POST could send twice', async () => {
    await withAlikeServer({ status: 307, headers: { location: '/elsewhere' } }, async ({ endpoint, paths }) => {
      const redirected = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_ENDPOINT: endpoint })
      assert.equal(wordsOf(await send(someMessage(), redirected)), 'misconfigured account_misconfigured')
      assert.equal(paths.length, 1)
      await redirected.close()
    })
  })

  test('takes the status of a refusal for an answer, even where its body is cut off', async () => {
    const headers = { 'content-length': '500' }
    await withAlikeServer({ status: 503, headers, body: '{"code"', cut: true }, async ({ endpoint }) => {
      const connected = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_ENDPOINT: endpoint })
      assert.equal(wordsOf(await send(someMessage(), connected)), 'retry unreadable_answer')
      await connected.close()
    })
    await withAlikeServer({ status: 201, headers, body: '{"sid"', cut: true }, async ({ endpoint }) => {
      const connected = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_ENDPOINT: endpoint })
      assert.equal(wordsOf(await send(someMessage(), connected)), 'unknown connection_lost')
      await connected.close()
    })
  })

  test('believes no success that is not a message, or is larger than one can be', async () => {
    const longSid = JSON.stringify({ sid: 'x'.repeat(2 * 1024 * 1024) })
    for (const body of ['', '{}', '{"sid":""}', 'null', longSid]) {
      await withAlikeServer({ status: 201, body }, async ({ endpoint }) => {
        const mistaken = connect({ ...twilio.simulator.environment, FANFARE_TWILIO_ENDPOINT: endpoint })
        assert.equal((await send(someMessage(), mistaken))?.kind, 'unknown', body.slice(0, 20))
        await mistaken.close()
      })
    }
  })

  test('refuses settings that Twilio would refuse, without repeating a secret', () => {
    const wrong = { accountSid: 'AC1', authToken: '', from: '0301234567', endpoint: 'https://api.twilio.com/2010' }
    const { error } = twilioSettings.safeParse({ ...wrong, timeoutMs: '5', statusCallback: 'http://plain.example.com' })
    const paths = error?.issues.map(({ path }) => path.join('.'))
    assert.deepEqual(paths, ['accountSid', 'authToken', 'from', 'endpoint', 'timeoutMs', 'statusCallback'])
    const told = JSON.stringify(error?.issues)
    for (const value of Object.values(wrong).filter((text) => text.length > 3)) assert.ok(!told.includes(value))
  })
})
