import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { MessageOf } from '../../src/domain/message.ts'
import type { OutgoingMessage, Provider } from '../../src/domain/provider.ts'
import { documentedAnswers } from '../../src/providers/sendgrid/classify.ts'
import { sendgridSettings } from '../../src/providers/sendgrid/config.ts'
import { createSendgridProvider } from '../../src/providers/sendgrid/provider.ts'
import { withAlikeServer } from '../support/alike-server.ts'
import { connectedProvider, wordsOf } from './connected-provider.ts'
import { describeProvider } from './provider-suite.ts'

interface Connection {
  requestTimeoutMs?: number
  now?: () => number
}

function connect(environment: Record<string, string>, connection: Connection = {}): Provider<'email'> {
  const settings = sendgridSettings.parse({
    apiKey: environment['FANFARE_SENDGRID_API_KEY'],
    from: environment['FANFARE_SENDGRID_FROM'],
    fromName: environment['FANFARE_SENDGRID_FROM_NAME'],
    endpoint: environment['FANFARE_SENDGRID_ENDPOINT'],
    timeoutMs: connection.requestTimeoutMs,
  })
  return createSendgridProvider(settings, { now: connection.now ?? Date.now })
}

describeProvider({
  name: 'sendgrid',
  connect,
  pointAt: (environment, port) => ({
    ...environment,
    FANFARE_SENDGRID_ENDPOINT: `https://127.0.0.1:${port}`,
  }),
  address: (number) => `reader-${number}@example.com`,
  message: (marker) => ({
    kind: 'email',
    subject: marker,
    text: marker,
    html: `<p>${marker}</p>`,
    headers: {},
    tracked: true,
  }),
  carriesDeliveryId: true,
  refusals: {
    retry: { status: 429 },
    rejected: { status: 400, code: 'personalizations.0.to.0.email' },
    misconfigured: { status: 401 },
  },
  retryAfter: { status: 429 },
  callsAtOnceMax: 100,
})

/** What the documentation of each answer demands, said a second time: a slip in the table is a difference here. */
const expected: Record<string, string> = {
  '400 from.email': 'misconfigured account_misconfigured',
  '400 reply_to.email': 'misconfigured account_misconfigured',
  '400 personalizations.0.to.0.email': 'rejected invalid_address dead',
  '400 subject': 'rejected content_refused',
  '400 content.0.value': 'rejected content_refused',
  '400 headers.received': 'rejected content_refused',
  '400 personalizations': 'rejected refused',
  '400 custom_args': 'rejected refused',
  '400 null': 'rejected refused',
  '401 null': 'misconfigured authentication_failed',
  '403 from': 'misconfigured account_misconfigured',
  '403 null': 'misconfigured not_permitted',
  '404 null': 'misconfigured account_misconfigured',
  '405 null': 'misconfigured account_misconfigured',
  '406 null': 'misconfigured account_misconfigured',
  '413 null': 'rejected message_too_large',
  '415 null': 'misconfigured account_misconfigured',
  '429 null': 'retry throttled',
  '451 null': 'misconfigured not_permitted',
  '500 null': 'retry provider_unavailable',
  '503 null': 'retry provider_unavailable',
}

describe('sendgrid beyond the contract', () => {
  const sendgrid = connectedProvider({ name: 'sendgrid', connect, someMessage: () => someMail() })
  const { send, sendInto, callFor } = sendgrid
  let readers = 0

  function someMail(over: Partial<MessageOf<'email'>> = {}, to?: string): OutgoingMessage<'email'> {
    readers += 1
    return {
      deliveryId: randomUUID(),
      address: to ?? `subscriber-${readers}@example.com`,
      message: {
        kind: 'email',
        subject: 'Your receipt',
        text: 'Thank you',
        html: '<p>Thank you</p>',
        headers: {},
        tracked: false,
        ...over,
      },
      expiresAt: Date.now() + 3_600_000,
      collapseKey: null,
    }
  }

  test('maps every documented answer as its documentation demands', async () => {
    const outcomes: Record<string, string> = {}
    for (const { status, example } of documentedAnswers) {
      const code = example === null ? {} : { code: example }
      outcomes[`${status} ${example}`] = wordsOf(await sendInto({ kind: 'status', status, ...code }))
    }
    assert.deepEqual(outcomes, expected)
  })

  test('reads the field and not its number, and takes no other field for it', async () => {
    const words = async (code: string) => wordsOf(await sendInto({ kind: 'status', status: 400, code }))
    assert.equal(await words('personalizations.12.to.3.email'), 'rejected invalid_address dead')
    assert.equal(await words('personalizations.0.to'), 'rejected invalid_address dead')
    assert.equal(await words('personalizations.0.cc.0.email'), 'rejected refused')
    assert.equal(await words('personalizations.0'), 'rejected refused')
    assert.equal(await words('send_at'), 'rejected refused')
    assert.equal(await words('from_name'), 'rejected refused')
  })

  test('of several errors takes our own fault before the recipient’s, and that before the mail’s', async () => {
    const demanded: [string[], string][] = [
      [['subject', 'personalizations.0.to.0.email', 'from.email'], 'misconfigured account_misconfigured'],
      [['subject', 'personalizations.0.to.0.email'], 'rejected invalid_address dead'],
    ]
    for (const [fields, words] of demanded) {
      const body = JSON.stringify({ errors: fields.map((field) => ({ message: 'no', field, help: null })) })
      await withAlikeServer({ status: 400, body }, async ({ endpoint }) => {
        const connected = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_ENDPOINT: endpoint })
        assert.equal(wordsOf(await send(someMail(), connected)), words)
        await connected.close()
      })
    }
  })

  test('maps an undocumented status by its class', async () => {
    const demanded = new Map([
      [302, 'misconfigured account_misconfigured'],
      [308, 'misconfigured account_misconfigured'],
      [408, 'retry provider_unavailable'],
      [418, 'rejected refused'],
      [502, 'retry provider_unavailable'],
      [504, 'unknown timed_out'],
      [599, 'retry provider_unavailable'],
    ])
    for (const [status, words] of demanded) {
      assert.equal(wordsOf(await sendInto({ kind: 'status', status })), words, `${status}`)
    }
  })

  test('takes what is not JSON for somebody else, except where the status says enough', async () => {
    const demanded = new Map([
      [400, 'rejected unreadable_answer'],
      [401, 'misconfigured authentication_failed'],
      [413, 'rejected message_too_large'],
      [500, 'retry unreadable_answer'],
      [502, 'retry unreadable_answer'],
      [504, 'unknown timed_out'],
    ])
    for (const [status, words] of demanded) {
      assert.equal(wordsOf(await sendInto({ kind: 'html', status })), words, `${status}`)
    }
  })

  test('waits for the rate limit only after a 429, and for Retry-After after a 503', async () => {
    const startedAtMs = Date.now()
    const unavailable = await sendInto({ kind: 'status', status: 503, retryAfterSeconds: 20 })
    const notBeforeMs = unavailable?.kind === 'retry' ? (unavailable.notBeforeMs ?? 0) : 0
    assert.ok(notBeforeMs >= startedAtMs + 20_000 && notBeforeMs <= Date.now() + 20_000)
    const forYears = await sendInto({ kind: 'status', status: 429, retryAfterSeconds: 100_000_000 })
    assert.deepEqual(forYears, { kind: 'retry', reason: 'throttled' })
  })

  test('takes the rate limit on another answer for no more than a remark', async () => {
    const headers = { 'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 60) }
    await withAlikeServer({ status: 503, headers }, async ({ endpoint }) => {
      const connected = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_ENDPOINT: endpoint })
      assert.deepEqual(await send(someMail(), connected), { kind: 'retry', reason: 'provider_unavailable' })
      await connected.close()
    })
  })

  test('sends sender, subject, both parts, headers, and nothing about the person but the address', async () => {
    const unsubscribe = '<https://fanfare.example.com/u/abc>'
    const mail = someMail({
      subject: 'Gruß 😀 {{name}}',
      text: 'plain {{name}}',
      html: '<p>rich &amp; {{name}}</p>',
      headers: { 'List-Unsubscribe': unsubscribe, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' },
    })
    assert.equal((await send(mail))?.kind, 'accepted')
    const call = callFor(mail)
    assert.equal(call?.address, mail.address)
    assert.deepEqual(call?.content, {
      subject: 'Gruß 😀 {{name}}',
      body: 'plain {{name}}',
      parameters: {
        from: sendgrid.simulator.environment['FANFARE_SENDGRID_FROM'],
        'headers.List-Unsubscribe': unsubscribe,
        'headers.List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'text/plain': 'plain {{name}}',
        'text/html': '<p>rich &amp; {{name}}</p>',
      },
    })
  })

  test('lets SendGrid add no pixel, link or footer of its own to a mail that has ours', async () => {
    const settings = ['click_tracking', 'open_tracking', 'subscription_tracking'].map(
      (name) => `tracking_settings.${name}`,
    )
    const enabled = async (tracked: boolean) => {
      const mail = someMail({ tracked })
      await send(mail)
      return settings.map((name) => callFor(mail)?.content.parameters?.[name])
    }
    assert.deepEqual(await enabled(true), ['false', 'false', 'false'])
    assert.deepEqual(await enabled(false), [undefined, undefined, undefined])
  })

  test('never takes an address for a name with an address', async () => {
    const mail = someMail({}, 'Somebody <other@example.com>')
    assert.equal(wordsOf(await send(mail)), 'rejected invalid_address dead')
    assert.equal(callFor(mail)?.address, 'Somebody <other@example.com>')
  })

  test('sends NUL as it is and a lone surrogate as U+FFFD', async () => {
    const mail = someMail({ subject: 'a\u0000b', text: 'x\ud800y', html: '<p>\udfffz</p>' })
    assert.equal((await send(mail))?.kind, 'accepted')
    assert.equal(callFor(mail)?.content.subject, 'a\u0000b')
    assert.equal(callFor(mail)?.content.parameters?.['text/plain'], 'x\ufffdy')
    assert.equal(callFor(mail)?.content.parameters?.['text/html'], '<p>\ufffdz</p>')
  })

  test('sends a mail of 256 KiB whole', async () => {
    const html = `<p>${'ä'.repeat(128 * 1024)}</p>`
    const mail = someMail({ html })
    assert.equal((await send(mail))?.kind, 'accepted')
    assert.equal(callFor(mail)?.content.parameters?.['text/html'], html)
  })

  test('hears from SendGrid what is too large or empty', async () => {
    assert.equal(wordsOf(await send(someMail({ html: 'x'.repeat(30 * 1024 * 1024) }))), 'rejected message_too_large')
    assert.equal(wordsOf(await send(someMail({ text: '', html: '' }))), 'rejected content_refused')
    assert.equal(wordsOf(await send(someMail({ subject: '' }))), 'rejected content_refused')
    assert.equal(wordsOf(await send(someMail({ headers: { Subject: 'x' } }))), 'rejected content_refused')
  })

  test('leaves out a part that is empty', async () => {
    const mail = someMail({ text: '' })
    assert.equal((await send(mail))?.kind, 'accepted')
    assert.deepEqual(Object.keys(callFor(mail)?.content.parameters ?? {}), ['from', 'text/html'])
  })

  test('is misconfigured with a wrong key', async () => {
    const mistaken = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_API_KEY: 'SG.wrong' })
    try {
      assert.equal(wordsOf(await send(someMail(), mistaken)), 'misconfigured authentication_failed')
    } finally {
      await mistaken.close()
    }
  })

  test('goes where its settings say, whatever proxy the environment names', async () => {
    const nowhere = 'http://127.0.0.1:1'
    const before = process.env['http_proxy']
    process.env['http_proxy'] = nowhere
    try {
      assert.equal((await send(someMail()))?.kind, 'accepted')
    } finally {
      if (before === undefined) delete process.env['http_proxy']
      else process.env['http_proxy'] = before
    }
  })

  test('follows no redirect: a repeated POST could send twice', async () => {
    await withAlikeServer({ status: 307, headers: { location: '/v3/mail/send' } }, async ({ endpoint, paths }) => {
      const redirected = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_ENDPOINT: endpoint })
      assert.equal(wordsOf(await send(someMail(), redirected)), 'misconfigured account_misconfigured')
      assert.deepEqual(paths, ['/v3/mail/send'])
      await redirected.close()
    })
  })

  test('reads no more of an answer than one can have', async () => {
    const headers = { 'x-message-id': 'id' }
    await withAlikeServer({ status: 202, headers, body: 'x'.repeat(2 * 1024 * 1024) }, async ({ endpoint }) => {
      const flooded = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_ENDPOINT: endpoint })
      assert.equal((await send(someMail(), flooded))?.kind, 'unknown')
      await flooded.close()
    })
  })

  test('does not believe a success that carries no message id', async () => {
    await withAlikeServer({ status: 202 }, async ({ endpoint }) => {
      const mistaken = connect({ ...sendgrid.simulator.environment, FANFARE_SENDGRID_ENDPOINT: endpoint })
      assert.equal(wordsOf(await send(someMail(), mistaken)), 'unknown unreadable_answer')
      await mistaken.close()
    })
  })

  test('refuses settings that SendGrid would refuse, without repeating a secret', () => {
    const wrong = { apiKey: 'key-of-another-form', from: 'nobody', fromName: '', endpoint: 'ftp://api.sendgrid.com' }
    const { error } = sendgridSettings.safeParse({ ...wrong, timeoutMs: '0' })
    const paths = error?.issues.map(({ path }) => path.join('.'))
    assert.deepEqual(paths, ['apiKey', 'from', 'fromName', 'endpoint', 'timeoutMs'])
    assert.ok(!JSON.stringify(error?.issues).includes(wrong.apiKey))
  })
})
