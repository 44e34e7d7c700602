/**
 * What a service brings to a hand-off consumer.
 */
import type { ConsumedRecord } from '../domain/record.ts'

export interface HandOffHandler {
  /**
   * Waits until records may start (concurrency, account rate, pauses), and reserves places for at least one and at most
   * `wanted`. Rejects only with the signal's abort.
   */
  admit(wanted: number, signal: AbortSignal): Promise<number>
  /** Gives back places that `admit` reserved and no record took. */
  release(places: number): void
  /**
   * Works admitted records, and calls `done` for each as it completes. Resolves when all did; or throws, and is called
   * again, without admission, with those that are not done. The places are its own to give back.
   */
  handle(records: readonly ConsumedRecord[], done: (record: ConsumedRecord) => void): Promise<void>
  /** The consumer dead-lettered a record that `handle` failed: it will not come again, its place is to be given back. */
  forget?(record: ConsumedRecord): void
  /** Why nothing moves although records wait or run, where that is right. */
  holding(): boolean
}
