/**
 * The headers between Fanfare's stages. They come over topics that others may write to, so every read is a parse: a
 * malformed one makes the record a dead letter (`bad_header`), never a crash.
 */
import { isChannel, type Channel } from './channel.ts'
import type { DeadLetterReason, StatusReason } from './reason.ts'
import type { ConsumedRecord, HeaderValue, RecordHeaders } from './record.ts'

export const headerNames = {
  hop: 'x-hop',
  attempt: 'x-attempt',
  pass: 'x-pass',
  dueAt: 'x-due-at',
  channel: 'x-channel',
  reason: 'x-reason',
  redrive: 'x-redrive',
  originalTopic: 'x-original-topic',
  originalPartition: 'x-original-partition',
  originalOffset: 'x-original-offset',
  originalTimestamp: 'x-original-timestamp',
  error: 'x-error',
  traceParent: 'traceparent',
} as const

/** What a record of a channel topic says about itself. */
export interface DeliveryHeaders {
  /** The fence: 1 on the router's record, one more on every forward. */
  hop: number
  /** Attempts spent before this record. */
  attempt: number
  /** How often an operator has brought it back from the dead letters. */
  redrives: number
  /** Unix ms before which the record must not be sent; absent on the router's record. */
  dueAtMs: number | null
}

/** @returns undefined where a header is malformed. A missing hop is the router's first. */
export function readDeliveryHeaders(headers: RecordHeaders): DeliveryHeaders | undefined {
  const hop = readCount(headers, headerNames.hop, 1)
  const attempt = readCount(headers, headerNames.attempt, 0)
  const dueAtMs = readCount(headers, headerNames.dueAt, null)
  const redrives = readRedrives(headers)
  if (hop === undefined || attempt === undefined || dueAtMs === undefined || redrives === undefined) return undefined
  if (hop === null || hop < 1 || hop > maxHop || attempt === null || attempt > hop) return undefined
  return { hop, attempt, dueAtMs, redrives }
}

/** Nobody's delivery lives so long: a Retry-After of seconds, over and over, would need days for so many. */
const maxHop = 10_000

export function deliveryHeaders(values: DeliveryHeaders): RecordHeaders {
  return {
    [headerNames.hop]: String(values.hop),
    [headerNames.attempt]: String(values.attempt),
    ...(values.dueAtMs === null ? {} : { [headerNames.dueAt]: String(values.dueAtMs) }),
    ...(values.redrives > 0 ? { [headerNames.redrive]: String(values.redrives) } : {}),
  }
}

/** @returns how often the record came back from the dead letters; undefined where the header is malformed. */
export function readRedrives(headers: RecordHeaders): number | undefined {
  return readCount(headers, headerNames.redrive, 0)
}

/** @returns 0 without the header, undefined where it is malformed. */
export function readPass(headers: RecordHeaders): number | undefined {
  const pass = readCount(headers, headerNames.pass, 0)
  return pass === null || pass === undefined || pass > maxPass ? undefined : pass
}

const maxPass = 1_000

export function readChannelHeader(headers: RecordHeaders): Channel | undefined {
  const text = readText(headers, headerNames.channel)
  return text !== undefined && isChannel(text) ? text : undefined
}

/** W3C Trace Context: version, trace id, parent id, flags. Anything else is not passed on. */
const traceParentForm = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export function traceHeaders(headers: RecordHeaders): RecordHeaders {
  const traceParent = readText(headers, headerNames.traceParent)
  return traceParent !== undefined && traceParentForm.test(traceParent)
    ? { [headerNames.traceParent]: traceParent }
    : {}
}

/**
 * The headers of a dead letter: the record's own, why it is here, and where it lay. A record that was dead-lettered
 * before keeps its first coordinates.
 * @param error one redacted line, or null: never a secret, token, address or body.
 */
export function deadLetterHeaders(
  record: ConsumedRecord,
  reason: DeadLetterReason | StatusReason,
  error: string | null,
): RecordHeaders {
  const original: RecordHeaders =
    readText(record.headers, headerNames.originalTopic) === undefined
      ? {
          [headerNames.originalTopic]: record.topic,
          [headerNames.originalPartition]: String(record.partition),
          [headerNames.originalOffset]: String(record.offset),
          [headerNames.originalTimestamp]: String(record.timestampMs),
        }
      : {}
  return {
    ...record.headers,
    ...original,
    [headerNames.reason]: reason,
    ...(error === null ? {} : { [headerNames.error]: error }),
  }
}

/** What a dead letter has beyond its source's headers; what comes back carries none of it. */
const deadLetterNames: ReadonlySet<string> = new Set([
  headerNames.reason,
  headerNames.error,
  headerNames.originalTopic,
  headerNames.originalPartition,
  headerNames.originalOffset,
  headerNames.originalTimestamp,
])

/** The source's own headers again, and how often it has been brought back now. */
export function redrivenHeaders(headers: RecordHeaders, redrives: number): RecordHeaders {
  const own = Object.entries(headers).filter(([name]) => !deadLetterNames.has(name))
  return { ...Object.fromEntries(own), [headerNames.redrive]: String(redrives) }
}

/** The header as text; the last value where a key came several times. */
export function readText(headers: RecordHeaders, name: string): string | undefined {
  return textOf(headers[name])
}

function textOf(value: HeaderValue): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  if (value instanceof Uint8Array) return textDecoder.decode(value)
  return textOf(value.at(-1))
}

const textDecoder = new TextDecoder()

/** At most 15 digits, so that every count is a safe integer. */
const countForm = /^\d{1,15}$/

function readCount<Absent>(headers: RecordHeaders, name: string, absent: Absent): number | Absent | undefined {
  const text = readText(headers, name)
  if (text === undefined) return absent
  return countForm.test(text) ? Number(text) : undefined
}
