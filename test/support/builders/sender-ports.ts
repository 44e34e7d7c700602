/**
 * A sender's surroundings, in which everything works and nothing happens: tests replace what they are about.
 */
import { createHash } from 'node:crypto'
import { topicNames } from '../../../src/domain/topic-names.ts'
import type { SenderPorts } from '../../../src/services/sender/ports.ts'
import type { SenderSettings } from '../../../src/services/sender/sender-settings.ts'
import { deliveryCommand } from './commands.ts'
import { nowMs } from './requests.ts'

const digest = (name: string) => (input: Uint8Array) => createHash(name).update(input).digest()

/** Every record is the same command; no row is known, and nobody answers a call. */
export function senderPorts(choices: Partial<SenderPorts> = {}): SenderPorts {
  const command = deliveryCommand()
  return {
    reader: { decode: (values) => Promise.resolve(values.map(() => ({ kind: 'command', command }))) },
    rows: { claim: () => Promise.resolve([]), settle: () => Promise.resolve([]) },
    pause: { paused: () => false, lifted: () => Promise.resolve() },
    renderer: {
      prepare: () => Promise.resolve(),
      render: () => ({ kind: 'rendered', message: { kind: 'sms', body: 'Hello', segments: 1 } }),
    },
    provider: {
      name: 'twilio',
      channel: 'sms',
      maxBatch: 1,
      send: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    },
    publish: () => Promise.resolve(),
    deadLetter: (topic, record, reason) => ({ ...record, topic, headers: { 'x-reason': reason } }),
    encodeStatus: () => new Uint8Array(),
    encodeFeedback: () => new Uint8Array(),
    topics: topicNames(),
    hashAddress: () => new Uint8Array(),
    sha1: digest('sha1'),
    sha256: digest('sha256'),
    now: () => nowMs,
    monotonicNow: () => 0,
    sleep: () => Promise.resolve(),
    observe: () => {},
    ...choices,
  }
}

export const senderSettings: SenderSettings = {
  channel: 'sms',
  lane: 'bulk',
  concurrency: () => 10,
  leaseMs: 60_000,
  callBudgetMs: 12_000,
  owner: 'o',
}
