/**
 * From kafkajs's batches and messages to the pipeline's records.
 */
import type { Batch, KafkaMessage } from 'kafkajs'
import type { ConsumedRecord, HeaderValue, RecordHeaders } from '../domain/record.ts'
import type { ConsumerEvent } from './consumer-event.ts'

export function recordsOf({ topic, partition, messages }: Batch): ConsumedRecord[] {
  return messages.map((message) => toConsumedRecord(topic, partition, message))
}

/** What is told of a batch that was taken. */
export function fetchedEvent(batch: Batch): Extract<ConsumerEvent, { kind: 'fetched' }> {
  return {
    kind: 'fetched',
    topic: batch.topic,
    partition: batch.partition,
    records: batch.messages.length,
    firstOffset: BigInt(batch.firstOffset() ?? batch.lastOffset()),
    highWatermark: BigInt(batch.highWatermark),
  }
}

export function toConsumedRecord(topic: string, partition: number, message: KafkaMessage): ConsumedRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? {} : toHeaders(message.headers),
  }
}

/** A header may have no value at all on the wire, which kafkajs's types do not say; here that is an empty one. */
type WireHeader = HeaderValue | null | readonly (Uint8Array | string | null)[]

function toHeaders(wire: Readonly<Record<string, WireHeader>>): RecordHeaders {
  const headers: Record<string, HeaderValue> = {}
  for (const [name, value] of Object.entries(wire)) {
    headers[name] = isList(value) ? value.map((each) => each ?? '') : (value ?? '')
  }
  return headers
}

function isList(value: WireHeader): value is readonly (Uint8Array | string | null)[] {
  return Array.isArray(value)
}
