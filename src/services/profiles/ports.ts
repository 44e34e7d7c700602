/**
 * What the profiles role needs from outside, as small as it needs it. roles/ hands it the adapters.
 */
import type { PersonChange } from '../../domain/person-change.ts'
import type { DeadLetterReason, PoisonReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import type { UserChanged } from '../../domain/user-changed.ts'
import type { ErasePorts } from '../people/erase.ts'
import type { WriteThroughPorts } from '../people/write-through.ts'

export type DecodedChange = { kind: 'changed'; change: UserChanged } | { kind: 'poison'; reason: PoisonReason }

export interface ProfilesPorts {
  /** One result for each value, in order. Throws DependencyUnavailable when a schema cannot be had now. */
  decode(values: readonly Uint8Array[]): Promise<DecodedChange[]>
  /**
   * In one transaction, no two of a user. @returns whose data was written, and whose profile is another now: they, and
   * whoever lost a device to one of them.
   */
  change(changes: readonly PersonChange[]): Promise<{ written: readonly number[]; touched: readonly number[] }>
  erasure: ErasePorts
  writeThrough: WriteThroughPorts
  /** @param error what is wrong, without any value. */
  deadLetter(record: ConsumedRecord, reason: DeadLetterReason, error: string | null): OutgoingRecord
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  observe(observation: ProfilesObservation): void
}

/** What the role tells metrics about a chunk. `stale`: of a version that is not above the known one. */
export type ProfilesObservation =
  | { kind: 'people'; written: number; stale: number; erased: number }
  | { kind: 'dead_letter'; reason: DeadLetterReason }
