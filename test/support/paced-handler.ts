/**
 * A handler that works a bounded number of records at once, each for a few milliseconds: a provider's call in small.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import type { HandOffHandler } from '../../src/kafka/hand-off-handler.ts'

const callMs = 10

/** @param completed told just before a record is done. */
export function pacedHandler(concurrency: number, completed: (record: ConsumedRecord) => void): HandOffHandler {
  let free = concurrency
  let freed = Promise.withResolvers<void>()

  function giveBack(places: number): void {
    free += places
    freed.resolve()
  }

  return {
    admit: async (wanted, signal) => {
      const aborted = () => freed.resolve()
      signal.addEventListener('abort', aborted)
      while (free === 0) {
        freed = Promise.withResolvers()
        await freed.promise
        signal.throwIfAborted()
      }
      signal.removeEventListener('abort', aborted)
      const admitted = Math.min(free, wanted)
      free -= admitted
      return admitted
    },
    release: giveBack,
    handle: async (records, done) => {
      await Promise.all(
        records.map(async (record) => {
          await sleep(callMs)
          completed(record)
          done(record)
          giveBack(1)
        }),
      )
    },
    holding: () => false,
  }
}
