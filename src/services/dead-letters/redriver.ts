/**
 * Brings dead letters back, a chunk at a time: read → filter → plan → publish. A chunk is done when everything of it is
 * acknowledged; only then may the caller commit past it, so an interruption repeats at most one chunk, which the rows
 * absorb.
 */
import type { DeadLetterQueue } from '../../domain/dead-letter-queue.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import type { TopicNames } from '../../domain/topic-names.ts'
import { readDeadLetters, type DeadLetterPorts } from './dead-letter.ts'
import { matches, type DeadLetterFilter } from './filter.ts'
import { planRedrive, type SkipReason } from './redrive.ts'

export interface RedriverPorts extends DeadLetterPorts {
  topics: TopicNames
  /** Resolves once all are acknowledged; a rehearsal publishes nothing. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  /** Unix ms. */
  now(): number
}

export interface RedriveOptions {
  queue: DeadLetterQueue
  filter: DeadLetterFilter
  redrivesMax: number
}

export type RedriveCounts = Record<'read' | 'redriven' | 'not_meant' | SkipReason, number>

export interface Redriver {
  /** @returns how many went back. */
  take(records: readonly ConsumedRecord[]): Promise<number>
  counts(): Readonly<RedriveCounts>
}

export function createRedriver({ queue, filter, redrivesMax }: RedriveOptions, ports: RedriverPorts): Redriver {
  const counts: RedriveCounts = {
    read: 0,
    redriven: 0,
    not_meant: 0,
    already_final: 0,
    expired: 0,
    no_row: 0,
    unreadable: 0,
    bad_origin: 0,
    looping: 0,
  }

  async function take(records: readonly ConsumedRecord[]): Promise<number> {
    const letters = await readDeadLetters(queue, records, ports)
    const meant = letters.filter((letter) => matches(letter, filter))
    const rules = { topics: ports.topics, redrivesMax, nowMs: ports.now() }
    const plans = meant.map((letter) => planRedrive(letter, rules))
    const outgoing = plans.flatMap((plan) => (plan.kind === 'publish' ? plan.record : []))
    await ports.publish(outgoing)
    counts.read += records.length
    counts.not_meant += letters.length - meant.length
    counts.redriven += outgoing.length
    for (const plan of plans) if (plan.kind === 'skip') counts[plan.reason] += 1
    return outgoing.length
  }

  return { take, counts: () => counts }
}
