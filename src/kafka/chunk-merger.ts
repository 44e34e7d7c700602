/**
 * Merges the small chunks of many partitions, so that what costs a round trip each costs one for all.
 *
 * Under little load every partition's chunk holds a record or two, and a chunk costs the same round trips whether it
 * holds one record or five hundred. What comes in one turn of the event loop, or waits for a place, is handled together.
 * Chunks stay whole, so the order within a partition is kept.
 */
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../domain/record.ts'

export interface ChunkMergerOptions {
  /** Settles all records, of several partitions, or throws. */
  handle(records: readonly ConsumedRecord[]): Promise<void>
  /** At most so many records together, but for a single chunk that is larger. */
  recordsMax: number
  /** Merged chunks under way at once. */
  concurrency: number
}

/** @returns a handler of one chunk, which resolves or throws for it alone. */
export function mergeChunks(options: ChunkMergerOptions): (records: readonly ConsumedRecord[]) => Promise<void> {
  const { handle, recordsMax, concurrency } = options
  const waiting: Chunk[] = []
  let running = 0
  let scheduled = false

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      while (running < concurrency && waiting.length > 0) void run(takeTogether(waiting, recordsMax))
    })
  }

  /** Never rejects: every failure is some chunk's own. */
  async function run(chunks: readonly Chunk[]): Promise<void> {
    running += 1
    await settle(chunks, handle)
    running -= 1
    if (waiting.length > 0) schedule()
  }

  return (records) => {
    const settled = Promise.withResolvers<void>()
    waiting.push({ records, settled })
    schedule()
    return settled.promise
  }
}

interface Chunk {
  records: readonly ConsumedRecord[]
  settled: PromiseWithResolvers<void>
}

function takeTogether(waiting: Chunk[], recordsMax: number): Chunk[] {
  let count = 0
  let records = 0
  for (const chunk of waiting) {
    if (count > 0 && records + chunk.records.length > recordsMax) break
    count += 1
    records += chunk.records.length
  }
  return waiting.splice(0, count)
}

async function settle(chunks: readonly Chunk[], handle: ChunkMergerOptions['handle']): Promise<void> {
  try {
    await handle(chunks.flatMap((chunk) => chunk.records))
    for (const chunk of chunks) chunk.settled.resolve()
  } catch (error) {
    if (chunks.length === 1 || error instanceof DependencyUnavailable) {
      for (const chunk of chunks) chunk.settled.reject(error)
      return
    }
    // Alone each, so that only the chunk with the culprit is halved.
    for (const chunk of chunks) await settle([chunk], handle)
  }
}
