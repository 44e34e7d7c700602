/**
 * The one contract of the provider port: every provider passes it, over its real SDK, against the simulator.
 *
 * A provider's own test file adds the walk through its table of documented answers.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import type { MessageKind, MessageOf } from '../../src/domain/message.ts'
import type { OutgoingMessage, Outcome, Provider } from '../../src/domain/provider.ts'
import type { FaultRule } from '../../src/local/simulator/faults.ts'
import type { LedgerEntry } from '../../src/local/simulator/ledger.ts'
import type { SimulatedProvider } from '../../src/local/simulator/simulator-server.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'
import { until } from '../support/until.ts'

type Refusal = Omit<Extract<FaultRule['fault'], { kind: 'status' }>, 'kind'>

export interface ProviderUnderTest<Kind extends MessageKind> {
  name: SimulatedProvider
  /** The provider as a role would build it from these FANFARE_* variables. */
  connect(environment: Record<string, string>, options: { requestTimeoutMs: number; now: () => number }): Provider<Kind>
  /** The same variables, but with the provider's endpoint on this port, over TLS. */
  pointAt(environment: Record<string, string>, port: number): Record<string, string>
  /** A different valid address for each number. */
  address(number: number): string
  /** A message whose every text holds the marker. */
  message(marker: string): MessageOf<Kind>
  /** False where the provider's protocol has no place for our id. */
  carriesDeliveryId: boolean
  /** One documented answer of each kind. */
  refusals: { retry: Refusal; rejected: Refusal; misconfigured: Refusal }
  /** A refusal that can say when to come back, or null if the provider has none. */
  retryAfter: Refusal | null
  /** How many calls may be under way before the next one waits, or null where they share connections. */
  callsAtOnceMax: number | null
}

const patientTimeoutMs = 10_000
const shortTimeoutMs = 300
/** What a call may take beyond its time-out on a loaded machine. */
const graceMs = 3_000

export function describeProvider<Kind extends MessageKind>(subject: ProviderUnderTest<Kind>): void {
  describe(`the provider ${subject.name}`, () => {
    let simulator: Simulator
    let provider: Provider<Kind>
    let addresses = 0
    const marker = 'marker-of-the-body'
    const patient = { requestTimeoutMs: patientTimeoutMs, now: Date.now }
    const impatient = { requestTimeoutMs: shortTimeoutMs, now: Date.now }

    before(async () => {
      simulator = await startSimulator()
      provider = subject.connect(simulator.environment, patient)
    })
    after(async () => {
      await provider.close()
      await simulator.stop()
    })

    function someMessage(address = subject.address((addresses += 1))): OutgoingMessage<Kind> {
      const expiresAt = Date.now() + 3_600_000
      return { deliveryId: randomUUID(), address, message: subject.message(marker), expiresAt, collapseKey: null }
    }

    function callsTo(address: string): LedgerEntry[] {
      return [...simulator.ledger.entries({ provider: subject.name, address })]
    }

    /** Sends one message into the fault and checks that it was exactly one call. */
    async function sendInto(fault: FaultRule['fault'], through = provider): Promise<Outcome | undefined> {
      const message = someMessage()
      simulator.faults.add({ provider: subject.name, match: { address: message.address }, fault })
      const [outcome] = await through.send([message], new AbortController().signal)
      assert.equal(callsTo(message.address).length, 1, 'one send is one call')
      return outcome
    }

    async function withProvider<Result>(
      connected: Provider<Kind>,
      use: (connected: Provider<Kind>) => Promise<Result>,
    ): Promise<Result> {
      try {
        return await use(connected)
      } finally {
        await connected.close()
      }
    }

    test('answers an accepted message with the id that the provider gave it', async () => {
      const message = someMessage()
      const [outcome] = await provider.send([message], new AbortController().signal)
      const [call, ...more] = callsTo(message.address)
      assert.deepEqual(more, [])
      assert.equal(call?.verdict, 'accepted')
      assert.equal(call?.channel, provider.channel)
      assert.ok(JSON.stringify(call?.content).includes(marker), 'the content arrived')
      if (subject.carriesDeliveryId) assert.equal(call?.deliveryId, message.deliveryId)
      assert.deepEqual(outcome, { kind: 'accepted', providerMessageId: call?.providerMessageId })
    })

    test('answers a batch with one outcome each, in its order', async () => {
      const batch = Array.from({ length: Math.min(provider.maxBatch, 5) }, () => someMessage())
      // The slower the earlier, so that an order of completion would be the wrong one.
      for (const [index, { address }] of batch.entries()) {
        simulator.faults.add(
          { provider: subject.name, match: { address }, fault: { kind: 'latency', ms: (batch.length - index) * 20 } },
          ...(index % 2 === 0 ? [] : [{ provider: subject.name, match: { address }, fault: refuse('rejected') }]),
        )
      }
      const outcomes = await provider.send(batch, new AbortController().signal)
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        batch.map((_, index) => (index % 2 === 0 ? 'accepted' : 'rejected')),
      )
      for (const [index, outcome] of outcomes.entries()) {
        const [call] = callsTo(batch[index]?.address ?? '')
        if (outcome.kind === 'accepted') assert.equal(outcome.providerMessageId, call?.providerMessageId)
      }
      assert.deepEqual(await provider.send([], new AbortController().signal), [])
    })

    const refuse = (kind: keyof typeof subject.refusals) => ({ kind: 'status' as const, ...subject.refusals[kind] })
    for (const kind of ['retry', 'rejected', 'misconfigured'] as const) {
      test(`answers a documented refusal as ${kind}, after one call`, async () => {
        assert.equal((await sendInto(refuse(kind)))?.kind, kind)
      })
    }

    test('answers 503 as retry, after one call', async () => {
      const outcome = await sendInto({ kind: 'status', status: 503 })
      assert.deepEqual(outcome, { kind: 'retry', reason: 'provider_unavailable' })
    })

    test('passes on when the provider wants to be asked again', { skip: subject.retryAfter === null }, async () => {
      const sentAtMs = Date.now()
      const outcome = await sendInto({ kind: 'status', status: 429, ...subject.retryAfter, retryAfterSeconds: 30 })
      assert.equal(outcome?.kind, 'retry')
      const notBeforeMs = (outcome?.kind === 'retry' && outcome.notBeforeMs) || 0
      // A second less: providers that name an instant name it in whole seconds.
      assert.ok(notBeforeMs >= sentAtMs + 29_000, `not before ${notBeforeMs - sentAtMs} ms`)
      assert.ok(notBeforeMs <= Date.now() + 31_000, `not before ${notBeforeMs - sentAtMs} ms`)
    })

    test('answers a page of HTML as unreadable: retry after a 5xx, unknown after a 200', async () => {
      assert.deepEqual(await sendInto({ kind: 'html', status: 503 }), { kind: 'retry', reason: 'unreadable_answer' })
      assert.deepEqual(await sendInto({ kind: 'html', status: 200 }), { kind: 'unknown', reason: 'unreadable_answer' })
    })

    for (const when of ['before', 'after'] as const) {
      test(`answers a connection that is reset ${when} accepting as unknown, after one call`, async () => {
        const outcome = await sendInto({ kind: 'reset', when })
        assert.deepEqual(outcome, { kind: 'unknown', reason: 'connection_lost' })
      })

      test(`answers silence ${when} accepting as unknown, within its time-out and after one call`, async () => {
        await withProvider(subject.connect(simulator.environment, impatient), async (connected) => {
          await connected.send([someMessage()], new AbortController().signal)
          const startedAtMs = Date.now()
          const outcome = await sendInto({ kind: 'hang', when }, connected)
          assert.deepEqual(outcome, { kind: 'unknown', reason: 'timed_out' })
          assert.ok(Date.now() - startedAtMs < shortTimeoutMs + graceMs, 'within the time-out')
        })
      })
    }

    test('answers retry when nothing listens, without a call', async () => {
      const message = someMessage()
      const environment = subject.pointAt(simulator.environment, await closedPort())
      const [outcome] = await withProvider(subject.connect(environment, patient), (connected) =>
        connected.send([message], new AbortController().signal),
      )
      assert.deepEqual(outcome, { kind: 'retry', reason: 'connection_failed' })
      assert.deepEqual(callsTo(message.address), [])
    })

    test('makes no call under a signal that is aborted already', async () => {
      const message = someMessage()
      const [outcome] = await provider.send([message], AbortSignal.abort())
      assert.equal(outcome?.kind, 'retry')
      assert.deepEqual(callsTo(message.address), [])
    })

    test('never writes what it has called unwritten, when its signal is aborted on the way', async () => {
      const message = someMessage()
      const controller = new AbortController()
      const sending = provider.send([message], controller.signal)
      controller.abort()
      const [outcome] = await sending
      // By the answer to the next message an earlier one would have arrived.
      const [next] = await provider.send([someMessage()], new AbortController().signal)
      assert.equal(next?.kind, 'accepted')
      assert.ok(outcome?.kind === 'retry' || outcome?.kind === 'unknown', outcome?.kind)
      if (outcome.kind === 'retry') assert.deepEqual(callsTo(message.address), [])
    })

    test('gives up a call when its signal is aborted, and does not know what became of it', async () => {
      const message = someMessage()
      simulator.faults.add({ provider: subject.name, match: { address: message.address }, fault: { kind: 'hang' } })
      const controller = new AbortController()
      const sending = provider.send([message], controller.signal)
      await until(() => callsTo(message.address).length === 1)
      controller.abort()
      const [outcome] = await sending
      assert.deepEqual(outcome, { kind: 'unknown', reason: 'timed_out' })
      assert.equal(callsTo(message.address).length, 1)
    })

    test('waits for its calls when it is closed', async () => {
      const message = someMessage()
      const fault = { kind: 'latency' as const, ms: 100 }
      simulator.faults.add({ provider: subject.name, match: { address: message.address }, fault })
      const closing = subject.connect(simulator.environment, patient)
      const sending = closing.send([message], new AbortController().signal)
      await until(() => callsTo(message.address).length === 1)
      await closing.close()
      assert.equal((await sending)[0]?.kind, 'accepted')
    })

    test('knows that nothing was written when the handshake never ends, and ends within its time-out', async () => {
      let connections = 0
      const silent = createServer((socket) => {
        connections += 1
        socket.resume().on('error', () => {})
        socket.once('close', () => (connections -= 1))
      }).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const environment = subject.pointAt(simulator.environment, (silent.address() as AddressInfo).port)
      const startedAtMs = Date.now()
      await withProvider(subject.connect(environment, impatient), async (connected) => {
        const [outcome] = await connected.send([someMessage()], new AbortController().signal)
        assert.deepEqual(outcome, { kind: 'retry', reason: 'timed_out' })
        assert.ok(Date.now() - startedAtMs < shortTimeoutMs + graceMs, 'within the time-out')
        assert.ok(connections > 0)
      })
      await until(() => connections === 0)
      silent.close()
    })

    const { callsAtOnceMax } = subject
    if (callsAtOnceMax !== null) {
      test('may try again what waited in vain for a connection', () => waitInVain(callsAtOnceMax))
    }

    async function waitInVain(crowd: number): Promise<void> {
      const hanging = Array.from({ length: crowd }, () => someMessage())
      for (const { address } of hanging) {
        simulator.faults.add({ provider: subject.name, match: { address }, fault: { kind: 'hang' } })
      }
      const waiting = Array.from({ length: 5 }, () => someMessage())
      const [hangUp, giveUp] = [new AbortController(), new AbortController()]
      await withProvider(subject.connect(simulator.environment, patient), async (crowded) => {
        const hung = hanging.map((message) => crowded.send([message], hangUp.signal))
        const gaveUp = waiting.map((message) => crowded.send([message], giveUp.signal))
        await until(() => hanging.every(({ address }) => callsTo(address).length === 1))
        giveUp.abort()
        for (const [outcome] of await Promise.all(gaveUp)) {
          assert.deepEqual(outcome, { kind: 'retry', reason: 'timed_out' })
        }
        hangUp.abort()
        for (const [outcome] of await Promise.all(hung)) {
          assert.deepEqual(outcome, { kind: 'unknown', reason: 'timed_out' })
        }
        // A connection is free again, and what was given up is not sent late.
        const [next] = await crowded.send([someMessage()], new AbortController().signal)
        assert.equal(next?.kind, 'accepted')
        for (const { address } of waiting) assert.deepEqual(callsTo(address), [])
      })
    }

    test('keeps two hundred calls apart that are under way together', async () => {
      const messages = Array.from({ length: 200 }, () => someMessage())
      const signal = new AbortController().signal
      const outcomes = await Promise.all(messages.map((message) => provider.send([message], signal)))
      for (const [index, [outcome]] of outcomes.entries()) {
        const [call, ...more] = callsTo(messages[index]?.address ?? '')
        assert.deepEqual(more, [])
        assert.deepEqual(outcome, { kind: 'accepted', providerMessageId: call?.providerMessageId })
      }
    })

    test('never puts an address, a text or a credential into an outcome', async () => {
      const faults: FaultRule['fault'][] = [
        ...(['retry', 'rejected', 'misconfigured'] as const).map(refuse),
        { kind: 'status', status: 418, code: 'never-documented' },
        { kind: 'html', status: 502 },
        { kind: 'html', status: 404 },
        { kind: 'reset', when: 'before' },
      ]
      for (const fault of faults) {
        const message = someMessage()
        simulator.faults.add({ provider: subject.name, match: { address: message.address }, fault })
        const [outcome] = await provider.send([message], new AbortController().signal)
        const told = JSON.stringify(outcome)
        const secrets = Object.values(simulator.environment).filter((value) => value.length > 8)
        for (const secret of [message.address, marker, ...secrets]) {
          assert.ok(!told.includes(secret), `${JSON.stringify(fault)} leaks into ${told}`)
        }
      }
    })
  })

  // Alone with its own simulator: connections that other tests left idle would close in between and blur the count.
  test(`the provider ${subject.name} leaves nothing open when it is closed, also twice, also after trouble`, async () => {
    const simulator = await startSimulator()
    const openBefore = openHandles()
    const connected = subject.connect(simulator.environment, { requestTimeoutMs: shortTimeoutMs, now: Date.now })
    const send = async (number: number, ...faults: FaultRule['fault'][]) => {
      const address = subject.address(number)
      simulator.faults.add(...faults.map((fault) => ({ provider: subject.name, match: { address }, fault })))
      const message = { deliveryId: randomUUID(), address, message: subject.message('text'), collapseKey: null }
      const expiresAt = Date.now() + 3_600_000
      const [outcome] = await connected.send([{ ...message, expiresAt }], new AbortController().signal)
      return outcome
    }
    assert.equal((await send(1))?.kind, 'accepted')
    assert.equal((await send(2, { kind: 'status', status: 503, retryAfterSeconds: 30 }))?.kind, 'retry')
    assert.equal((await send(3, { kind: 'hang' }))?.kind, 'unknown')
    assert.equal((await send(4, { kind: 'reset', when: 'before' }))?.kind, 'unknown')
    assert.equal((await send(5))?.kind, 'accepted')
    assert.ok(openHandles() > openBefore, 'a connection is kept for the next call')
    await connected.close()
    await connected.close()
    await until(() => openHandles() <= openBefore, closingDeadlineMs)
    const closed = await send(6)
    assert.deepEqual(closed, { kind: 'retry', reason: 'connection_failed' }, 'a closed provider sends nothing')
    assert.deepEqual([...simulator.ledger.entries({ address: subject.address(6) })], [])
    await simulator.stop()
  })
}

/** Sockets and timers of this process that would keep it alive. */
function openHandles(): number {
  const counted = new Set(['TCPSocketWrap', 'TLSWrap', 'Timeout', 'TCPConnectWrap'])
  return process.getActiveResourcesInfo().filter((resource) => counted.has(resource)).length
}

/** Less than the 5 s after which Node's servers close an idle connection by themselves. */
const closingDeadlineMs = 3_000

/** A port on which nothing listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
