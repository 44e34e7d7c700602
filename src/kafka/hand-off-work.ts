/**
 * The running records of a hand-off consumer: admits them, works them in chunks, and completes each on its own.
 *
 * A record is running from the moment it leaves its queue until it is done, however its partition is reassigned
 * meanwhile; its completion reports to whichever queue owns the partition then.
 */
import type { DeadLetterReason } from '../domain/reason.ts'
import type { ConsumedRecord } from '../domain/record.ts'
import type { Assignment } from './assignment.ts'
import { settleChunk, type ChunkAttempt } from './chunk-attempt.ts'
import type { ReportConsumerEvent } from './consumer-event.ts'
import { createFaultWait } from './fault-wait.ts'
import type { TopicPartition } from './partition-position.ts'
import type { HandOffHandler } from './hand-off-handler.ts'

export interface HandOffWorkOptions {
  handler: HandOffHandler
  chunkSize: number
  deadLetter(record: ConsumedRecord, error: unknown): Promise<DeadLetterReason>
  assignment: Pick<Assignment, 'available' | 'take' | 'complete' | 'pauseAll' | 'resumeAll'>
  report: ReportConsumerEvent
  fatal(error: Error): void
  /** A record moved. */
  progress(): void
  /** Ends admission and every wait. */
  stopping: AbortSignal
}

export interface HandOffWork {
  isRunning(record: ConsumedRecord): boolean
  /** What runs of this partition completes into nothing. */
  forget(partition: TopicPartition): void
  /** How many records run. */
  running(): number
  /** Whether nothing may start because a dependency is away. */
  faulty(): boolean
  /** Something may start that could not before. */
  wake(): void
  /** Starts records until the signal; resolves after it. Called once. */
  pump(): Promise<void>
  /** Resolves when every started record is settled or given up. */
  drained(): Promise<void>
}

export function createHandOffWork(options: HandOffWorkOptions): HandOffWork {
  const { handler, assignment, report, stopping } = options
  const running = createRunningRecords()
  const chunks = new Set<Promise<void>>()
  // While any chunk waits for a dependency nothing is fetched or started: all records share the dependencies.
  const faultWait = createFaultWait({
    report,
    stopping,
    began: () => assignment.pauseAll('fault'),
    ended: () => {
      assignment.resumeAll('fault')
      wake.resolve()
    },
  })
  let wake = Promise.withResolvers<void>()

  async function pump(): Promise<void> {
    try {
      while (!stopping.aborted) {
        const available = faultWait.waiting() ? 0 : assignment.available()
        if (available > 0) await admit(Math.min(available, options.chunkSize))
        else await wake.promise.then(() => (wake = Promise.withResolvers()))
      }
    } catch (error) {
      // The one rejection that admission may have is the signal's.
      if (!stopping.aborted) options.fatal(asError(error))
    }
  }

  async function admit(wanted: number): Promise<void> {
    const admitted = await handler.admit(wanted, stopping)
    // Else this loop would never let the event loop go on.
    if (admitted < 1 && !stopping.aborted) throw new Error('the handler admitted nothing instead of waiting')
    // A rebalance or a fault may have emptied the queues meanwhile.
    const records = faultWait.waiting() || stopping.aborted ? [] : assignment.take(admitted)
    if (admitted > records.length) handler.release(admitted - records.length)
    if (records.length > 0) start(records)
  }

  function start(records: readonly ConsumedRecord[]): void {
    for (const record of records) running.add(record)
    const chunk = run(records).finally(() => chunks.delete(chunk))
    chunks.add(chunk)
  }

  async function run(records: readonly ConsumedRecord[]): Promise<void> {
    try {
      await settleChunk(records, attempt)
    } catch (error) {
      // Neither the handler nor the dead letter could settle them, and no later commit may pass them.
      options.fatal(asError(error))
    }
  }
  const attempt = attemptOf({ ...options, has: running.has, done, waitOut: faultWait.waitOut })

  function done(record: ConsumedRecord): void {
    if (!running.delete(record)) return
    assignment.complete(record)
    options.progress()
    report({ kind: 'completed', topic: record.topic, records: 1 })
    wake.resolve()
  }

  return {
    pump,
    isRunning: running.hasOffset,
    forget: running.forget,
    running: running.size,
    faulty: faultWait.waiting,
    wake: () => wake.resolve(),
    drained: async () => {
      await Promise.all(chunks)
    },
  }
}

interface AttemptOptions extends Pick<HandOffWorkOptions, 'handler' | 'deadLetter' | 'report'> {
  has(record: ConsumedRecord): boolean
  done(record: ConsumedRecord): void
  waitOut: ChunkAttempt['waitOut']
}

function attemptOf({ handler, report, has, done, waitOut, deadLetter }: AttemptOptions): ChunkAttempt {
  return {
    handle: (records) => handler.handle(records, done),
    unsettled: (records) => records.filter(has),
    deadLetter: async (record, error) => {
      const { topic, partition, offset } = record
      const reason = await deadLetter(record, error)
      report({ kind: 'dead_lettered', topic, partition, offset, reason })
      handler.forget?.(record)
      done(record)
    },
    failed: (records, error) => report({ kind: 'chunk_failed', records: records.length, error }),
    waitOut,
    recovered: (attempts) => report({ kind: 'dependency_recovered', attempts }),
  }
}

/** Records by identity and by where they lie: after a rebalance the same offset is delivered as another object. */
function createRunningRecords() {
  const byOffset = new Map<string, ConsumedRecord>()
  const has = (record: ConsumedRecord) => byOffset.get(keyOf(record)) === record
  return {
    has,
    hasOffset: (record: ConsumedRecord) => byOffset.has(keyOf(record)),
    size: () => byOffset.size,
    add: (record: ConsumedRecord) => void byOffset.set(keyOf(record), record),
    delete: (record: ConsumedRecord) => has(record) && byOffset.delete(keyOf(record)),
    forget: ({ topic, partition }: TopicPartition) => {
      for (const [key, record] of byOffset) {
        if (record.topic === topic && record.partition === partition) byOffset.delete(key)
      }
    },
  }
}

function keyOf({ topic, partition, offset }: ConsumedRecord): string {
  return `${topic}/${partition}/${offset}`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a chunk failed', { cause: error })
}
