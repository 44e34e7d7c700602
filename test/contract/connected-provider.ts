/**
 * A provider over its real SDK against a simulator of its own, for the tests that go beyond the contract.
 */
import { after, before } from 'node:test'
import type { MessageKind } from '../../src/domain/message.ts'
import type { OutgoingMessage, Outcome, Provider } from '../../src/domain/provider.ts'
import type { FaultRule } from '../../src/local/simulator/faults.ts'
import type { LedgerEntry } from '../../src/local/simulator/ledger.ts'
import type { SimulatedProvider } from '../../src/local/simulator/simulator-server.ts'
import { startSimulator, type Simulator } from '../../src/local/simulator/simulator.ts'

export interface ConnectedProvider<Kind extends MessageKind> {
  readonly simulator: Simulator
  /** Sends one message, through another than this provider where one is given. */
  send(message: OutgoingMessage<Kind>, through?: Provider<Kind>): Promise<Outcome | undefined>
  /** Sends a message of its own, which meets the fault. */
  sendInto(fault: FaultRule['fault']): Promise<Outcome | undefined>
  callFor(message: OutgoingMessage<Kind>): LedgerEntry | undefined
}

/** Within a `describe`: connected before its first test, closed after its last. */
export function connectedProvider<Kind extends MessageKind>(options: {
  name: SimulatedProvider
  connect(environment: Record<string, string>): Provider<Kind>
  someMessage(): OutgoingMessage<Kind>
}): ConnectedProvider<Kind> {
  const { name, connect, someMessage } = options
  let simulator: Simulator
  let provider: Provider<Kind>
  before(async () => {
    simulator = await startSimulator()
    provider = connect(simulator.environment)
  })
  after(async () => {
    await provider.close()
    await simulator.stop()
  })

  async function send(message: OutgoingMessage<Kind>, through = provider): Promise<Outcome | undefined> {
    const [outcome] = await through.send([message], new AbortController().signal)
    return outcome
  }

  return {
    get simulator() {
      return simulator
    },
    send,
    sendInto: (fault) => {
      const message = someMessage()
      simulator.faults.add({ provider: name, match: { address: message.address }, times: 1, fault })
      return send(message)
    },
    callFor: ({ deliveryId }) => {
      const [call] = simulator.ledger.entries({ provider: name, deliveryId })
      return call
    },
  }
}

/** `rejected invalid_address dead`: the kind, the reason, and whether the address is never to be used again. */
export function wordsOf(outcome: Outcome | undefined): string {
  if (outcome === undefined || outcome.kind === 'accepted') return String(outcome?.kind)
  const dead = outcome.kind === 'rejected' && outcome.invalidAddress === true
  return `${outcome.kind} ${outcome.reason}${dead ? ' dead' : ''}`
}
