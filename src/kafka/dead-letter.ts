/**
 * Publishes records that cannot be processed: the source's bytes and headers, why, and where they lay.
 */
import type { DeadLetterReason, StatusReason } from '../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../domain/record.ts'
import { deadLetterHeaders } from '../domain/record-headers.ts'

/** @param error one redacted line, or null. */
export function deadLetterRecord(
  topic: string,
  record: ConsumedRecord,
  reason: DeadLetterReason | StatusReason,
  error: string | null,
): OutgoingRecord {
  return { topic, key: record.key, value: record.value, headers: deadLetterHeaders(record, reason, error) }
}

/** The line that a dead letter may carry about an exception: its class and code. Messages may hold addresses. */
export function redactedLine(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  return `${error.name}${code}`
}
