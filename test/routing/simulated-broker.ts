/**
 * A broker in memory: what is published lies where it would lie, and moves on to whoever reads it. Values are JSON behind
 * the five bytes that frame Avro, which other tests are about.
 */
import { channels, lanes, type Channel, type Lane } from '../../src/domain/channel.ts'
import type { DeliveryCommand } from '../../src/domain/delivery-command.ts'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../src/domain/record.ts'
import { readChannelHeader, readDeliveryHeaders } from '../../src/domain/record-headers.ts'
import { topicNames } from '../../src/domain/topic-names.ts'

export const topics = topicNames()

const framing = Buffer.alloc(5)
const partitions = 12

export function encode(value: unknown): Uint8Array {
  return Buffer.concat([framing, Buffer.from(JSON.stringify(value))])
}

export function decode<Value>(value: Uint8Array | null): Value {
  return JSON.parse(
    Buffer.from(value ?? [])
      .subarray(framing.length)
      .toString('utf8'),
  ) as Value
}

/** A command on its way to the sender of a channel and lane, which reads it at this time. */
export interface Command {
  record: ConsumedRecord
  channel: Channel
  lane: Lane
  at: number
}

export interface SimulatedBroker {
  publish(records: readonly OutgoingRecord[]): Promise<void>
  /** Publishes one record, and says where it lies. */
  place(record: OutgoingRecord): ConsumedRecord
  /** What a router has not read yet. */
  takeRequests(lane: Lane): ConsumedRecord[]
  /** Commands that are to be read by now. */
  takeCommands(until: number): Command[]
  /** Those that are not. */
  readonly commands: readonly Command[]
  readonly statuses: readonly DeliveryStatus[]
  readonly deadLetters: readonly OutgoingRecord[]
}

/** @param lagMs how long a command waits for its sender. */
export function createSimulatedBroker({ now, lagMs }: { now(): number; lagMs(): number }): SimulatedBroker {
  const requests: Record<Lane, ConsumedRecord[]> = { transactional: [], bulk: [] }
  const statuses: DeliveryStatus[] = []
  const deadLetters: OutgoingRecord[] = []
  let commands: Command[] = []
  let lastOffset = 0n

  function place(record: OutgoingRecord): ConsumedRecord {
    lastOffset += 1n
    const { topic, key, value, headers } = record
    const keyBytes = key === null ? null : Buffer.from(key)
    const placed = { topic, value, headers, key: keyBytes, offset: lastOffset, timestampMs: now() }
    const consumed = { ...placed, partition: Number(key) % partitions || 0 }
    const lane = lanes.find((each) => topics.requested(each) === topic)
    if (lane !== undefined) requests[lane].push(consumed)
    else if (topic === topics.deliveryStatus) statuses.push(decode<DeliveryStatus>(value))
    else if (topic.endsWith('.dlq')) deadLetters.push(record)
    else commands.push(commandOf(consumed))
    return consumed
  }

  /** The retry role does no more than wait. */
  function commandOf(record: ConsumedRecord): Command {
    for (const lane of lanes) {
      const channel = channels.find((each) => topics.deliveries(each, lane) === record.topic)
      if (channel !== undefined) return { record, channel, lane, at: now() + lagMs() }
      if (!record.topic.startsWith(`notifications.retry.${lane}.`)) continue
      const waitsFor = readChannelHeader(record.headers)
      const dueAtMs = readDeliveryHeaders(record.headers)?.dueAtMs
      if (waitsFor === undefined || dueAtMs === undefined || dueAtMs === null) throw new Error('a retry for nobody')
      return { record, channel: waitsFor, lane, at: dueAtMs }
    }
    throw new Error(`a record on ${record.topic}, which nobody reads`)
  }

  return {
    publish: async (records) => {
      for (const record of records) place(record)
    },
    place,
    takeRequests: (lane) => requests[lane].splice(0),
    takeCommands: (until) => {
      const due = commands.filter(({ at }) => at <= until)
      commands = commands.filter(({ at }) => at > until)
      return due
    },
    get commands() {
      return commands
    },
    statuses,
    deadLetters,
  }
}

export function commandIn({ record }: Command): DeliveryCommand {
  return decode<DeliveryCommand>(record.value)
}
