/**
 * The running batches of an in-place consumer, each worked chunk by chunk.
 *
 * While a dependency is away a chunk waits inside, heartbeating. An error of a heartbeat is thrown on: it says that the
 * group rebalances, and swallowing it makes a zombie that keeps its partitions from the member that joins.
 */
import type { EachBatchPayload } from 'kafkajs'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { DeadLetterReason } from '../domain/reason.ts'
import type { ConsumedRecord } from '../domain/record.ts'
import { settleChunk, type ChunkAttempt } from './chunk-attempt.ts'
import { fetchedEvent, recordsOf } from './consumed-record.ts'
import type { ReportConsumerEvent } from './consumer-event.ts'
import { createFaultWait, type FaultWait } from './fault-wait.ts'
import { heartbeatIntervalMs } from './group-member.ts'
import type { PartitionPosition, TopicPartition } from './partition-position.ts'
import type { PartitionInHand } from './partition-progress.ts'
import type { HandleInPlace, Postponed } from './in-place-handler.ts'

type Heartbeat = () => Promise<void>

export interface InPlaceWorkOptions {
  handle: HandleInPlace
  chunkSize: number
  deadLetter(record: ConsumedRecord, error: unknown): Promise<DeadLetterReason>
  sessionTimeoutMs: number
  report: ReportConsumerEvent
  epoch(): number
  commit(reached: PartitionPosition): Promise<boolean>
  /** Pauses the partition, which is fetched again from its position after the wait. */
  postpone(partition: TopicPartition, waitMs: number): void
  /** A chunk moved. */
  progress(): void
  /** Neither the handler nor the dead letter could settle a record, and no later commit may pass it. */
  fatal(error: Error): void
  /** Ends every batch after its running chunk, and every wait. */
  stopping: AbortSignal
  /** Ends every batch at once; what its handler still does is left to itself. */
  abandoning: AbortSignal
}

export interface InPlaceWork {
  eachBatch(payload: EachBatchPayload): Promise<void>
  /** How many records are in running chunks. */
  runningRecords(): number
  /** What each running batch holds. */
  inHand(): PartitionInHand[]
  /** Whether a chunk waits for a dependency. */
  faulty(): boolean
  /** Resolves when no batch runs. */
  drained(): Promise<void>
}

export function createInPlaceWork(options: InPlaceWorkOptions): InPlaceWork {
  const { report, stopping } = options
  const faultWait = createFaultWait({ report, stopping })
  const batches = new Set<Promise<void>>()
  const inHand = new Set<BatchInHand>()
  let runningRecords = 0
  const settle = createSettle(options, { faultWait, running: (change) => (runningRecords += change) })

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    if (stopping.aborted) return
    const work = workBatch(payload)
    // The same promise twice: once for the drain, which must not reject, once for kafkajs.
    const settled = work.catch(() => {})
    batches.add(settled)
    try {
      await work
    } finally {
      batches.delete(settled)
    }
  }

  async function workBatch(payload: EachBatchPayload): Promise<void> {
    const held: BatchInHand = { records: recordsOf(payload.batch), startedTo: 0, doneTo: 0 }
    inHand.add(held)
    try {
      await workRecords(payload, held)
    } finally {
      inHand.delete(held)
    }
  }

  async function workRecords({ batch, resolveOffset, heartbeat }: EachBatchPayload, held: BatchInHand): Promise<void> {
    const { topic, partition } = batch
    const { records } = held
    const epoch = options.epoch()
    report(fetchedEvent(batch))
    // It may have waited for a worker while another batch learned that the group rebalances.
    await heartbeat()
    for (let start = 0; start < records.length; start += options.chunkSize) {
      if (stopping.aborted || options.epoch() !== epoch) return
      const chunk = records.slice(start, start + options.chunkSize)
      held.startedTo = start + chunk.length
      const outcome = await settle(chunk, heartbeat)
      if (outcome === 'given_up') return
      const { postponed } = outcome
      const done = postponed === undefined ? chunk.length : chunk.indexOf(postponed.record)
      held.doneTo = start + done
      if (done > 0) report({ kind: 'completed', topic, records: done })
      // Ownership and commit in one tick: after a join these partitions may be another member's.
      if (options.epoch() !== epoch) return
      // Offsets have gaps, and the last chunk ends where the batch ends.
      const following = records[start + done]
      const next = following === undefined ? BigInt(batch.lastOffset()) + 1n : following.offset
      resolveOffset(String(next - 1n))
      // Before the next wait, so that nothing is fetched from here meanwhile.
      if (postponed !== undefined) options.postpone({ topic, partition }, postponed.waitMs)
      await options.commit({ topic, partition, offset: next })
      await heartbeat()
      if (postponed !== undefined) return
    }
  }

  return {
    eachBatch,
    runningRecords: () => runningRecords,
    inHand: () => [...inHand].flatMap(inHandOf),
    faulty: faultWait.waiting,
    drained: async () => {
      await Promise.all(batches)
    },
  }
}

interface Settling {
  faultWait: ReturnType<typeof createFaultWait>
  /** Told by how many more records, or fewer, are in running chunks. */
  running(change: number): void
}

function createSettle(options: InPlaceWorkOptions, { faultWait, running }: Settling) {
  const intervalMs = heartbeatIntervalMs(options.sessionTimeoutMs) / 2
  return async (
    chunk: readonly ConsumedRecord[],
    heartbeat: Heartbeat,
  ): Promise<'given_up' | { postponed: Postponed | undefined }> => {
    const { attempt, postponed } = attemptOf({ ...options, chunk, heartbeat, faultWait })
    running(chunk.length)
    try {
      const settled = await beating({ heartbeat, intervalMs, abandoning: options.abandoning }, () =>
        settleChunk(chunk, attempt),
      )
      return settled ? { postponed: postponed() } : 'given_up'
    } finally {
      running(-chunk.length)
      options.progress()
    }
  }
}

/** A batch and how far it is, in records from its first. */
interface BatchInHand {
  records: readonly ConsumedRecord[]
  startedTo: number
  doneTo: number
}

function inHandOf({ records, startedTo, doneTo }: BatchInHand): PartitionInHand[] {
  const oldest = records[doneTo]
  if (oldest === undefined) return []
  const { topic, partition, timestampMs } = oldest
  const [queued, running] = [records.length - startedTo, startedTo - doneTo]
  return [{ topic, partition, queued, running, oldestMs: timestampMs }]
}

interface AttemptOptions extends Pick<InPlaceWorkOptions, 'handle' | 'deadLetter' | 'report' | 'fatal'> {
  chunk: readonly ConsumedRecord[]
  heartbeat: Heartbeat
  faultWait: FaultWait
}

interface InPlaceAttempt {
  attempt: ChunkAttempt
  /** The first record of the chunk that has to wait, once it was met. */
  postponed(): Postponed | undefined
}

function attemptOf({ chunk, heartbeat, faultWait, report, ...options }: AttemptOptions): InPlaceAttempt {
  const unsettled = new Set(chunk)
  let postponed: Postponed | undefined

  const attempt: ChunkAttempt = {
    handle: async (records) => {
      postponed = (await options.handle(records)) ?? undefined
      for (const record of records) {
        if (record === postponed?.record) return
        unsettled.delete(record)
      }
    },
    // Behind a record that has to wait nothing is left to do, in the later parts of a halved chunk neither.
    unsettled: (records) => (postponed === undefined ? records.filter((record) => unsettled.has(record)) : []),
    deadLetter: async (record, error) => {
      const { topic, partition, offset } = record
      const reason = await options.deadLetter(record, error).catch((failure: unknown) => {
        if (!(failure instanceof DependencyUnavailable)) options.fatal(asError(failure))
        throw failure
      })
      unsettled.delete(record)
      report({ kind: 'dead_lettered', topic, partition, offset, reason })
    },
    failed: (records, error) => report({ kind: 'chunk_failed', records: records.length, error }),
    waitOut: async (fault, count) => {
      await heartbeat()
      const again = await faultWait.waitOut(fault, count)
      await heartbeat()
      return again
    },
    recovered: (attempts) => report({ kind: 'dependency_recovered', attempts }),
  }
  return { attempt, postponed: () => postponed }
}

interface Beating {
  heartbeat: Heartbeat
  intervalMs: number
  abandoning: AbortSignal
}

/**
 * A chunk may last longer than the session: heartbeats go on beside it. What they throw is left to the heartbeat after
 * the chunk, which kafkajs sends again until one succeeded: so a chunk that was done is committed before the group is
 * told.
 * @returns what the work did, or false once it is abandoned.
 */
async function beating(options: Beating, work: () => Promise<boolean>): Promise<boolean> {
  const { heartbeat, intervalMs, abandoning } = options
  if (abandoning.aborted) return false
  const timer = setInterval(() => {
    heartbeat().catch(() => {})
  }, intervalMs)
  // By hand and not by Promise.race, which would remember every chunk at a promise that never settles.
  const outcome = Promise.withResolvers<boolean>()
  const abandon = () => outcome.resolve(false)
  abandoning.addEventListener('abort', abandon, { once: true })
  work().then(outcome.resolve, outcome.reject)
  try {
    return await outcome.promise
  } finally {
    clearInterval(timer)
    abandoning.removeEventListener('abort', abandon)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a record could not be dead-lettered', { cause: error })
}
