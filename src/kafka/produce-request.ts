/**
 * From outgoing records to kafkajs's requests, within the broker's limits.
 *
 * A request holds so few bytes of one topic that no partition's batch can pass what the topic accepts, whatever the keys
 * are. Sizes are counted as Kafka counts them, headers included: a dead letter may carry many.
 */
import type { Message, TopicMessages } from 'kafkajs'
import type { HeaderValue, OutgoingRecord } from '../domain/record.ts'

/** Topics accept 1 MiB in a batch. */
const topicBytes = 512 * 1024
/** Those that applications publish on accept 320 KiB: what waited comes back there, and may be of one person. */
const publicTopicBytes = 256 * 1024
const publicTopic = /(notifications\.requested\.(transactional|bulk)|users\.changed)$/
const requestBytes = 8 * 1024 * 1024
/** What Kafka adds to a record or to a header, at most. */
const framingBytes = 32

/** Cuts the records, in their order, into requests within both limits; a record over a limit goes alone in its topic. */
export function splitRequests(records: readonly OutgoingRecord[]): TopicMessages[][] {
  const requests: TopicMessages[][] = []
  let messagesOf = new Map<string, Message[]>()
  let bytesOf = new Map<string, number>()
  let total = 0
  for (const record of records) {
    const message = toMessage(record)
    const size = sizeOf(message)
    const ofTopic = bytesOf.get(record.topic) ?? 0
    if ((ofTopic > 0 && ofTopic + size > limitOf(record.topic)) || (total > 0 && total + size > requestBytes)) {
      requests.push(toTopicMessages(messagesOf))
      messagesOf = new Map()
      bytesOf = new Map()
      total = 0
    }
    const messages = messagesOf.get(record.topic)
    if (messages === undefined) messagesOf.set(record.topic, [message])
    else messages.push(message)
    bytesOf.set(record.topic, (bytesOf.get(record.topic) ?? 0) + size)
    total += size
  }
  if (messagesOf.size > 0) requests.push(toTopicMessages(messagesOf))
  return requests
}

function limitOf(topic: string): number {
  return publicTopic.test(topic) ? publicTopicBytes : topicBytes
}

function toTopicMessages(messagesOf: Map<string, Message[]>): TopicMessages[] {
  return [...messagesOf].map(([topic, messages]) => ({ topic, messages }))
}

type EncodableHeaders = Record<string, Buffer | string | (Buffer | string)[]>

function toMessage({ key, value, headers }: OutgoingRecord): Message & { headers: EncodableHeaders } {
  const encodable: EncodableHeaders = {}
  for (const [name, header] of Object.entries(headers)) encodable[name] = toEncodable(header)
  return { key: asBuffer(key), value: asBuffer(value), headers: encodable }
}

/**
 * kafkajs writes the digits of bytes that are no Buffer, and throws at a header without a value, which other clients
 * may send: it goes on as an empty one.
 */
function toEncodable(header: HeaderValue): Buffer | string | (Buffer | string)[] {
  if (header === undefined) return ''
  if (typeof header === 'string') return header
  return header instanceof Uint8Array ? toBuffer(header) : header.map((each) => asBuffer(each) ?? '')
}

function asBuffer(bytes: Uint8Array | string | null): Buffer | string | null {
  return bytes === null || typeof bytes === 'string' ? bytes : toBuffer(bytes)
}

/** The same memory. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function sizeOf({ key, value, headers }: Message & { headers: EncodableHeaders }): number {
  let size = framingBytes + lengthOf(key) + lengthOf(value)
  for (const [name, header] of Object.entries(headers)) {
    for (const each of Array.isArray(header) ? header : [header]) size += framingBytes + lengthOf(name) + lengthOf(each)
  }
  return size
}

function lengthOf(bytes: Buffer | string | null | undefined): number {
  return bytes === null || bytes === undefined ? 0 : Buffer.byteLength(bytes)
}
