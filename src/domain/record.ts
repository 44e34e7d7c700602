/**
 * Records as the pipeline sees them, whatever client fetched or will send them.
 */

/** A header's value as it came: bytes or text, or several under one key. */
export type HeaderValue = Uint8Array | string | readonly (Uint8Array | string)[] | undefined
export type RecordHeaders = Readonly<Record<string, HeaderValue>>

export interface ConsumedRecord {
  topic: string
  partition: number
  offset: bigint
  /** The broker's or producer's timestamp, Unix ms. */
  timestampMs: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: RecordHeaders
}

export interface OutgoingRecord {
  topic: string
  key: Uint8Array | string | null
  value: Uint8Array | null
  headers: RecordHeaders
}
