/**
 * The sender of one channel and lane: gate → claim → render → send → settle → publish → done, each record on its own.
 *
 * Records share only statements: they are claimed together, settled with whoever settles then, published with whoever
 * publishes. A slow call holds its own place and nothing else.
 *
 * Before the claim a failure may throw: nothing happened yet, and the record is tried again. After it nothing throws:
 * lost dependencies are waited for, and what the database or the broker refuses goes to the dead letters, because a
 * record that came back after its call would be called again.
 */
import type { ConsumedRecord } from '../../domain/record.ts'
import { claim } from './claim.ts'
import { decode, type Job } from './decode.ts'
import { createDeliveriesAtWork } from './deliveries-at-work.ts'
import { followVerdict } from './follow-verdict.ts'
import { createGate } from './gate.ts'
import { createPlaces } from './places.ts'
import type { SenderPorts } from './ports.ts'
import { deadLetterOf } from './publish.ts'
import type { SenderSettings } from './sender-settings.ts'
import { createSettler } from './settle.ts'
import { createPatience } from './until-available.ts'

/** The shape that a consumer by hand-off works with. */
export interface Sender {
  /** Waits for places and takes at most `wanted`; rejects with the signal's reason. */
  admit(wanted: number, signal: AbortSignal): Promise<number>
  release(places: number): void
  /** Works admitted records, calling `done` for each. Throws only what happened before their claim. */
  handle(records: readonly ConsumedRecord[], done: (record: ConsumedRecord) => void): Promise<void>
  /** The record was settled otherwise: its place is free. */
  forget(record: ConsumedRecord): void
  /** Whether standing still is right: the gate is closed, or what follows a call waits for a dependency. */
  holding(): boolean
}

export function createSender(settings: SenderSettings, ports: SenderPorts): Sender {
  const { pause, sleep } = ports
  const gate = createGate({ concurrency: settings.concurrency, pause, clock: ports.monotonicNow, sleep })
  const patience = createPatience(ports)
  const settler = createSettler(ports, patience)
  const places = createPlaces((count) => gate.release(count))
  const atWork = createDeliveriesAtWork()

  async function handle(records: readonly ConsumedRecord[], done: (record: ConsumedRecord) => void): Promise<void> {
    places.take(records)
    const { jobs, deadLetters } = await decode(records, settings.channel, ports.reader)
    if (deadLetters.length > 0) {
      await ports.publish(deadLetters.map(({ record, reason }) => deadLetterOf(record, reason, settings, ports)))
      for (const { record } of deadLetters) finish(record)
    }
    let open: readonly Job[] = jobs
    while (open.length > 0) open = await workDistinct(open, finish)

    function finish(record: ConsumedRecord): void {
      places.release(record)
      done(record)
    }
  }

  /** @returns the jobs whose delivery was at work already; it has ended when this resolves. */
  async function workDistinct(jobs: readonly Job[], finish: (record: ConsumedRecord) => void): Promise<readonly Job[]> {
    const { begun, waiting } = atWork.begin(jobs)
    try {
      await ports.renderer.prepare(begun.map((job) => job.command))
      const following = (await claim(begun, settings, ports)).map(async (claimed) => {
        const { record } = claimed.job
        const callEnded = () => places.release(record)
        await followVerdict(claimed, { settings, ports, settler, patience, gate, callEnded })
        atWork.end(claimed.job)
        finish(record)
      })
      // All of them first: whoever is tried again after a bug must not be at work any more.
      await Promise.allSettled(following)
      await Promise.all(following)
    } finally {
      for (const job of begun) atWork.end(job)
    }
    for (const job of waiting) places.release(job.record)
    await atWork.ended(waiting)
    return waiting
  }

  return {
    handle,
    admit: (wanted, signal) => gate.admit(wanted, signal),
    release: (count) => gate.release(count),
    forget: (record) => places.release(record),
    holding: () => gate.closed() || patience.waiting(),
  }
}
