/**
 * Stage 1, decode: from bytes to requests. Poison goes to the dead letters byte for byte, and what decodes but could
 * not be keyed in the log is refused at once.
 */
import { dayOf, type Digest } from '../../domain/identity.ts'
import type { NotificationCancelled, NotificationRequested } from '../../domain/notification.ts'
import type { Coordinates, NotificationKey } from '../../domain/notification-log.ts'
import type { Lane, RequestChannel } from '../../domain/channel.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import { readPass } from '../../domain/record-headers.ts'
import { mayBeOnRecord, oldestRequestMs, validateRequest, type Refusal } from '../../domain/request-validation.ts'
import type { RouterPorts } from './ports.ts'

/** A request on its way through the stages. */
export interface Request {
  record: ConsumedRecord
  event: NotificationRequested
  key: NotificationKey
  coordinates: Coordinates
  pass: number
  /** Of the topic that it came by. */
  lane: Lane
  /** Of the event's bytes: the same id with another content is no repetition. */
  contentHash: Uint8Array
  /** Null for the category's. */
  channels: readonly RequestChannel[] | null
  /** Set where validation refused it already; it is still logged, so that its id stays known. */
  refused: Refusal | null
  /** Whether a row may be written for it: not for a day whose partition may be gone. */
  loggable: boolean
}

export interface CancelRequest {
  event: Pick<NotificationCancelled, 'userId' | 'createdAt'>
  key: NotificationKey
  /** Of the topic that it came by. */
  lane: Lane
}

export interface CancelRecord extends CancelRequest {
  record: ConsumedRecord
  /** Of an event that is too old to be new. */
  isOld: boolean
}

export interface DecodedChunk {
  requests: Request[]
  cancellations: CancelRecord[]
  /** Refused without a log row: its identity or day is not one. */
  refused: ({ event: NotificationRequested; lane: Lane } & Refusal)[]
  deadLetters: { record: ConsumedRecord; reason: DeadLetterReason }[]
}

export async function decode(
  records: readonly ConsumedRecord[],
  lane: Lane,
  ports: RouterPorts,
): Promise<DecodedChunk> {
  const decoded = await ports.reader.decode(records.map((record) => record.value))
  const chunk: DecodedChunk = { requests: [], cancellations: [], refused: [], deadLetters: [] }
  const nowMs = ports.now()
  for (const [index, record] of records.entries()) {
    const result = decoded[index]
    if (result === undefined) throw new Error('the reader answered for fewer values than it was given')
    switch (result.kind) {
      case 'poison':
        chunk.deadLetters.push({ record, reason: result.reason })
        break
      case 'cancelled':
        sortCancellation(result.event, { record, lane, nowMs, chunk, sha256: ports.sha256 })
        break
      case 'requested':
        sortRequest(result.event, { record, lane, nowMs, chunk, sha256: ports.sha256 })
        if (keyIsForeign(record, result.event.userId)) ports.observe({ kind: 'foreign_key' })
        break
    }
  }
  return chunk
}

interface Sorting {
  record: ConsumedRecord
  lane: Lane
  nowMs: number
  chunk: DecodedChunk
  sha256: Digest
}

function sortRequest(event: NotificationRequested, { record, lane, nowMs, chunk, sha256 }: Sorting): void {
  const pass = readPass(record.headers)
  if (pass === undefined) {
    chunk.deadLetters.push({ record, reason: 'bad_header' })
    return
  }
  // What waited may be older than a new event may be; its row decides whether it is a resumption.
  const atMs = pass > 0 && mayBeOnRecord(event, nowMs) ? Math.min(nowMs, event.createdAt + oldestRequestMs) : nowMs
  const verdict = validateRequest(event, record.value?.length ?? 0, atMs)
  // What is too old now may have been consumed in time, and come again: then its row says what became of it.
  const isRepeat = verdict.kind === 'refused' && verdict.reason === 'too_old' && mayBeOnRecord(event, nowMs)
  if (verdict.kind === 'refused' && !verdict.loggable && !isRepeat) {
    chunk.refused.push({ event, lane, reason: verdict.reason, detail: verdict.detail })
    return
  }
  chunk.requests.push({
    record,
    event,
    key: keyOf(event),
    coordinates: { lane, partition: record.partition, offset: record.offset },
    pass,
    lane,
    contentHash: contentHashOf(record.value, sha256),
    channels: verdict.kind === 'valid' ? verdict.channels : null,
    refused: verdict.kind === 'refused' ? verdict : null,
    loggable: verdict.kind === 'valid' || verdict.loggable,
  })
}

function sortCancellation(event: NotificationCancelled, { record, lane, nowMs, chunk }: Sorting): void {
  // The checks of a request's identity and time hold for what cancels it: they decide whether a row can exist.
  const asRequest = { ...event, category: 'cancel', template: null, locale: null, data: {}, channels: null }
  const verdict = validateRequest(
    { ...asRequest, sendAt: null, expiresAt: null, collapseKey: null },
    record.value?.length ?? 0,
    nowMs,
  )
  const isOld = verdict.kind === 'refused' && verdict.reason === 'too_old' && mayBeOnRecord(event, nowMs)
  if (verdict.kind === 'refused' && !isOld) chunk.deadLetters.push({ record, reason: 'data_error' })
  else chunk.cancellations.push({ event, key: keyOf(event), lane, record, isOld })
}

/** Magic byte and schema id: a producer that was deployed anew may repeat itself under another schema. */
const framingBytes = 5
const contentHashBytes = 16

function contentHashOf(value: Uint8Array | null, sha256: Digest): Uint8Array {
  return sha256((value ?? new Uint8Array()).subarray(framingBytes)).subarray(0, contentHashBytes)
}

function keyOf({ notificationId, source, createdAt }: NotificationCancelled | NotificationRequested): NotificationKey {
  return { notificationId: notificationId.toLowerCase(), source, day: dayOf(createdAt) }
}

/** Only counted: no correctness depends on the partition. */
function keyIsForeign({ key }: ConsumedRecord, userId: number): boolean {
  return key === null || Buffer.from(key).toString('utf8') !== String(userId)
}
