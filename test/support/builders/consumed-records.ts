/**
 * Records as they are consumed; a test names only what matters to it.
 */
import type { ConsumedRecord } from '../../../src/domain/record.ts'

export function aConsumedRecord(given: Partial<ConsumedRecord> = {}): ConsumedRecord {
  return {
    topic: 'topic',
    partition: 0,
    offset: 0n,
    timestampMs: Date.UTC(2026, 8, 21),
    key: Buffer.from('42'),
    value: Buffer.from('value'),
    headers: {},
    ...given,
  }
}

/** As many records as there are offsets, in one partition. */
export function recordsAt(offsets: readonly bigint[], given: Partial<ConsumedRecord> = {}): ConsumedRecord[] {
  return offsets.map((offset) => aConsumedRecord({ ...given, offset }))
}

/** Offsets `from` to `to`, the end excluded. */
export function offsetsBetween(from: number, to: number): bigint[] {
  return Array.from({ length: to - from }, (_, index) => BigInt(from + index))
}
