/**
 * The retry service: lets records wait on their rung until they are due, then sends them back to their channel.
 *
 * It touches only Kafka. A rung's records all wait equally long, so the first one that is not due stands for all behind
 * it: the consumer pauses there and comes back when it is due. A record that was forwarded but not committed comes
 * again; its claim finds the hop taken.
 */
import type { Lane } from '../../domain/channel.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { readChannelHeader, readDeliveryHeaders } from '../../domain/record-headers.ts'
import { delayMsOf, jitterShare, longestRetryMs, rungFor } from '../../domain/retry-ladder.ts'
import { retryRungs, type RetryRung, type TopicNames } from '../../domain/topic-names.ts'

export interface RetryPorts {
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  deadLetter(topic: string, record: ConsumedRecord, reason: DeadLetterReason): OutgoingRecord
  topics: TopicNames
  /** Unix ms. */
  now(): number
  observe(observation: RetryObservation): void
}

export type RetryObservation =
  | { kind: 'forwarded'; rung: RetryRung; records: number; latestMs: number }
  | { kind: 'dead_letter'; topic: string; reason: DeadLetterReason }

/** The first record that has to wait; nothing from it on was settled. */
export interface NotDue {
  record: ConsumedRecord
  waitMs: number
}

export interface Retry {
  /** Settles a chunk of one partition up to the first record that is not due. */
  handle(records: readonly ConsumedRecord[]): Promise<NotDue | undefined>
}

export function createRetry(lane: Lane, ports: RetryPorts): Retry {
  const rungOf = new Map(retryRungs.map(({ name }) => [ports.topics.retry(lane, name), name]))

  async function handle(records: readonly ConsumedRecord[]): Promise<NotDue | undefined> {
    const outgoing: OutgoingRecord[] = []
    const nowMs = ports.now()
    let notDue: NotDue | undefined
    let latestMs = 0
    for (const record of records) {
      const wait = read(record)
      if (wait === undefined) {
        outgoing.push(deadLetter(record))
        continue
      }
      const waitMs = wait.wakeAtMs - nowMs
      if (waitMs > 0) {
        notDue = { record, waitMs }
        break
      }
      // Due, or at the end of this round with a longer way to go.
      if (wait.dueAtMs <= nowMs) latestMs = Math.max(latestMs, nowMs - wait.dueAtMs)
      outgoing.push(wait.dueAtMs <= nowMs ? forward(record, wait) : goRound(record, wait, nowMs))
    }
    await ports.publish(outgoing)
    const [first] = records
    const rung = first === undefined ? undefined : rungOf.get(first.topic)
    if (rung !== undefined) ports.observe({ kind: 'forwarded', rung, records: outgoing.length, latestMs })
    return notDue
  }

  /** @returns undefined for headers that cannot be read: they come from the topic, and anybody may write there. */
  function read(record: ConsumedRecord): Waiting | undefined {
    const channel = readChannelHeader(record.headers)
    const dueAtMs = readDeliveryHeaders(record.headers)?.dueAtMs
    const rung = rungOf.get(record.topic)
    if (channel === undefined || dueAtMs === undefined || dueAtMs === null || rung === undefined) return undefined
    // Forged: it would go round the last rung for ever.
    if (dueAtMs > record.timestampMs + longestRetryMs) return undefined
    const roundEndsAtMs = record.timestampMs + delayMsOf(rung)
    const longestHereMs = record.timestampMs + delayMsOf(rung) * (1 + jitterShare)
    // What is due beyond this rung's reach goes round, and must not hold those behind it until then.
    return { channel, dueAtMs, wakeAtMs: dueAtMs > longestHereMs ? roundEndsAtMs : dueAtMs }
  }

  function forward(record: ConsumedRecord, { channel }: Waiting): OutgoingRecord {
    return {
      topic: ports.topics.deliveries(channel, lane),
      key: record.key,
      value: record.value,
      headers: record.headers,
    }
  }

  function goRound(record: ConsumedRecord, { dueAtMs }: Waiting, nowMs: number): OutgoingRecord {
    const topic = ports.topics.retry(lane, rungFor(dueAtMs, nowMs))
    return { topic, key: record.key, value: record.value, headers: record.headers }
  }

  function deadLetter(record: ConsumedRecord): OutgoingRecord {
    ports.observe({ kind: 'dead_letter', topic: record.topic, reason: 'bad_header' })
    return ports.deadLetter(ports.topics.retryDeadLetter, record, 'bad_header')
  }

  return { handle }
}

interface Waiting {
  channel: NonNullable<ReturnType<typeof readChannelHeader>>
  /** Unix ms. */
  dueAtMs: number
  wakeAtMs: number
}
