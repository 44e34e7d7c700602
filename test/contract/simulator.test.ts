import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Agent, request } from 'undici'
import { createLedger, type LedgerEntry, type LedgerSummary } from '../../src/local/simulator/ledger.ts'
import { until } from '../support/until.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'

/** The protocols themselves are tested through the real SDKs, by the providers; here FCM by hand serves to make calls. */
describe('the provider simulator', () => {
  let simulator: Simulator
  let since: number

  before(async () => {
    simulator = await startSimulator()
  })
  after(() => simulator.stop())
  beforeEach(() => {
    simulator.faults.clear()
    since = simulator.ledger.summary().total
  })

  /** A call as FCM takes it; undefined if the connection broke. */
  async function call(token: string): Promise<{ status: number; body: string; retryAfter: string | null } | undefined> {
    const {
      FANFARE_FCM_ENDPOINT: endpoint,
      FANFARE_FCM_CA: ca,
      FANFARE_FCM_ACCESS_TOKEN: bearer,
    } = simulator.environment
    const dispatcher = new Agent({ connect: { ca } })
    try {
      const answer = await request(`${endpoint}/v1/projects/fanfare-local/messages:send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}` },
        body: JSON.stringify({ message: { token, notification: { title: 'Hello', body: 'World' } } }),
        dispatcher,
      })
      const retryAfter = answer.headers['retry-after']
      const body = await answer.body.text()
      return { status: answer.statusCode, body, retryAfter: typeof retryAfter === 'string' ? retryAfter : null }
    } catch {
      return undefined
    } finally {
      await dispatcher.destroy()
    }
  }

  const admin = (path: string, init?: { method: string; body?: unknown }) =>
    fetch(`${simulator.adminUrl}${path}`, {
      ...(init === undefined ? {} : { method: init.method }),
      ...(init?.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    })

  async function ledger(query: string): Promise<LedgerEntry[]> {
    const text = await (await admin(`/ledger?since=${since}&${query}`)).text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LedgerEntry)
  }

  test('gives every variable that a real role needs', () => {
    assert.deepEqual(
      Object.keys(simulator.environment).filter((name) => /^FANFARE_(APNS|FCM)_/.test(name)),
      [
        'FANFARE_APNS_SIGNING_KEY',
        'FANFARE_APNS_KEY_ID',
        'FANFARE_APNS_TEAM_ID',
        'FANFARE_APNS_TOPIC',
        'FANFARE_APNS_ENVIRONMENT',
        'FANFARE_APNS_ENDPOINT',
        'FANFARE_APNS_CA',
        'FANFARE_FCM_PROJECT_ID',
        'FANFARE_FCM_ACCESS_TOKEN',
        'FANFARE_FCM_ENDPOINT',
        'FANFARE_FCM_CA',
      ],
    )
    for (const name of ['FANFARE_TWILIO_ENDPOINT', 'FANFARE_SENDGRID_ENDPOINT']) {
      assert.ok(simulator.environment[name], name)
    }
  })

  test('serves the ledger as lines of JSON, filtered', async () => {
    const answer = await call('first')
    await call('UNREGISTERED:second')
    const [first, second, ...more] = await ledger('provider=fcm')
    assert.deepEqual(more, [])
    assert.equal(first?.verdict, 'accepted')
    assert.equal(first?.address, 'first')
    assert.equal(first?.status, 200)
    assert.deepEqual(first?.content, { title: 'Hello', body: 'World', parameters: {} })
    assert.ok(answer?.body.includes(first?.providerMessageId ?? 'absent'), 'the id is the one that was answered')
    assert.ok((first?.answeredAtMs ?? 0) >= (first?.receivedAtMs ?? Infinity))
    assert.equal(second?.verdict, 'refused')
    assert.equal(second?.status, 404)
    assert.equal(second?.sequence, (first?.sequence ?? 0) + 1)
    assert.deepEqual(await ledger('verdict=refused'), [second])
    assert.deepEqual(await ledger('provider=apns'), [])
    assert.deepEqual(await ledger('address=first'), [first])
    since = first?.sequence ?? 0
    assert.deepEqual(await ledger(''), [second])
  })

  test('counts by provider and verdict', async () => {
    const before = simulator.ledger.summary().providers.fcm ?? { accepted: 0, refused: 0, none: 0 }
    simulator.faults.add({ provider: 'fcm', match: { address: 'lost' }, fault: { kind: 'reset', when: 'before' } })
    await Promise.all(['a', 'b', 'UNREGISTERED:c', 'lost'].map(call))
    const summary = (await (await admin('/ledger/summary')).json()) as LedgerSummary
    const { accepted, refused, none } = before
    assert.deepEqual(summary.providers.fcm, { accepted: accepted + 2, refused: refused + 1, none: none + 1 })
  })

  test('runs calls into a rule as often as it says, and then no more', async () => {
    const rule = { provider: 'fcm', times: 2, fault: { kind: 'status', status: 503, retryAfterSeconds: 7 } }
    assert.equal((await admin('/faults', { method: 'POST', body: rule })).status, 200)
    const answers = [await call('x'), await call('x'), await call('x')]
    assert.deepEqual(
      answers.map((answer) => answer?.status),
      [503, 503, 200],
    )
    assert.deepEqual(
      answers.map((answer) => answer?.retryAfter),
      ['7', '7', null],
    )
    assert.deepEqual(await (await admin('/faults')).json(), [])
  })

  test('takes the first rule that matches the address or its end', async () => {
    await admin('/faults', {
      method: 'POST',
      body: [
        { provider: 'apns', fault: { kind: 'status', status: 500 } },
        { provider: 'fcm', match: { address: '@slow.example' }, fault: { kind: 'status', status: 429 } },
        { provider: 'fcm', match: { address: 'exact' }, fault: { kind: 'status', status: 400 } },
      ],
    })
    assert.equal((await call('user@slow.example'))?.status, 429)
    assert.equal((await call('exact'))?.status, 400)
    assert.equal((await call('exactly'))?.status, 200)
    await admin('/faults?provider=fcm', { method: 'DELETE' })
    assert.equal((await call('exact'))?.status, 200)
    assert.equal(simulator.faults.rules().length, 1)
    await admin('/faults', { method: 'DELETE' })
    assert.deepEqual(simulator.faults.rules(), [])
  })

  test('knows the truth of a call whose connection it resets, before and after accepting', async () => {
    simulator.faults.add(
      { provider: 'fcm', match: { address: 'never' }, fault: { kind: 'reset', when: 'before' } },
      { provider: 'fcm', match: { address: 'taken' }, fault: { kind: 'reset', when: 'after' } },
    )
    assert.equal(await call('never'), undefined)
    assert.equal(await call('taken'), undefined)
    const [never, taken] = await ledger('')
    assert.equal(never?.verdict, 'none')
    assert.equal(never?.answeredAtMs, null)
    assert.equal(taken?.verdict, 'accepted')
    assert.equal(taken?.status, null)
    assert.ok(taken?.providerMessageId)
  })

  test('adds up latencies and goes on to the next fault', async () => {
    await admin('/latency', { method: 'PUT', body: { provider: 'fcm', ms: 40 } })
    simulator.faults.add(
      { provider: 'fcm', fault: { kind: 'latency', ms: 60 } },
      { provider: 'fcm', fault: { kind: 'html', status: 502 } },
    )
    const answer = await call('x')
    assert.equal(answer?.status, 502)
    assert.match(answer?.body ?? '', /<html>/)
    const [entry] = await ledger('')
    assert.equal(entry?.verdict, 'none')
    // A timer may fire a little before its time.
    assert.ok((entry?.answeredAtMs ?? 0) - (entry?.receivedAtMs ?? 0) >= 98)
  })

  test('has written a call before it is answered', async () => {
    simulator.faults.add({ provider: 'fcm', fault: { kind: 'latency', ms: 200 } })
    const calling = call('x')
    let waiting: LedgerEntry | undefined
    while (waiting === undefined) [waiting] = await ledger('')
    assert.equal(waiting.verdict, 'accepted')
    assert.equal(waiting.answeredAtMs, null)
    await calling
    assert.notEqual((await ledger(''))[0]?.answeredAtMs, null)
  })

  test('refuses malformed rules and queries, and says why', async () => {
    const malformed = [
      {},
      { provider: 'pigeon', fault: { kind: 'hang' } },
      { provider: 'fcm', fault: { kind: 'status', status: 99 } },
      { provider: 'fcm', times: 0, fault: { kind: 'hang' } },
      [{ provider: 'fcm', fault: { kind: 'hang' } }, { provider: 'fcm' }],
    ]
    for (const body of malformed) {
      const answer = await admin('/faults', { method: 'POST', body })
      assert.equal(answer.status, 400)
      assert.match(await answer.text(), /error/)
    }
    assert.deepEqual(simulator.faults.rules(), [], 'a malformed rule takes none of the others along')
    assert.equal((await admin('/faults', { method: 'POST' })).status, 400)
    assert.equal((await admin('/ledger?verdict=perhaps')).status, 400)
    assert.equal((await admin('/nothing')).status, 404)
  })

  test('serves a hundred calls at once', async () => {
    simulator.faults.setBaseLatency('fcm', 50)
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => call(`together-${index}`)))
    assert.ok(answers.every((answer) => answer?.status === 200))
    assert.equal(new Set((await ledger('')).map(({ address }) => address)).size, 100)
  })

  test('refuses to start on a port that is taken, and leaves nothing behind', async () => {
    const port = Number(new URL(simulator.adminUrl).port)
    const listeners = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPServerWrap').length
    const listenersBefore = listeners()
    assert.ok(listenersBefore > 0)
    await assert.rejects(startSimulator({ ports: { admin: port } }), { code: 'EADDRINUSE' })
    await until(() => listeners() === listenersBefore)
  })
})

test('a full ledger is an error', () => {
  const ledger = createLedger({ maxEntries: 1 })
  const call = {
    provider: 'fcm',
    channel: 'android',
    address: 'x',
    deliveryId: null,
    content: {},
    receivedAtMs: 0,
    verdict: 'accepted',
    providerMessageId: 'y',
    status: 200,
  } as const
  assert.equal(ledger.record(call).sequence, 1)
  assert.throws(() => ledger.record(call), /full/)
})
