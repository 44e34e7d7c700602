/**
 * What a service brings to an in-place consumer.
 */
import type { ConsumedRecord } from '../domain/record.ts'

/** The first record of a chunk that has to wait. Nothing from it on was settled, everything before it was. */
export interface Postponed {
  record: ConsumedRecord
  waitMs: number
}

/**
 * Settles every record of the chunk, which lies in one partition and in order, or throws. Or settles those before one
 * that is not due: then the partition is paused there and fetched again from it after the wait.
 */
export type HandleInPlace = (records: readonly ConsumedRecord[]) => Promise<Postponed | void>
