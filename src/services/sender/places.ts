/**
 * Which records hold a place of the gate. A place is given back once, as soon as the record needs no call any more.
 */
import type { ConsumedRecord } from '../../domain/record.ts'

export interface Places {
  /** Records begin with the places that they were admitted with; those that come again have what they still hold. */
  take(records: readonly ConsumedRecord[]): void
  release(record: ConsumedRecord): void
}

export function createPlaces(giveBack: (places: number) => void): Places {
  const begun = new WeakSet<ConsumedRecord>()
  const held = new Set<ConsumedRecord>()
  return {
    take: (records) => {
      for (const record of records) {
        if (begun.has(record)) continue
        begun.add(record)
        held.add(record)
      }
    },
    release: (record) => {
      if (held.delete(record)) giveBack(1)
    },
  }
}
