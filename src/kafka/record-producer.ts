/**
 * The producer of a process: everything that Fanfare publishes goes through its one queue.
 *
 * `acks=-1` and the connection's finite retries. Not idempotent, on purpose: after a produce error kafkajs subtracts the sequence
 * numbers again and gives them to the next batch, which the broker then acknowledges as a duplicate without storing it.
 * No transactions either. Every record has a deterministic identity instead, so whoever reads absorbs repeats.
 *
 * One request is under way at a time. What comes meanwhile waits and goes out together: few large requests are what
 * makes a producer fast.
 */
import type { Producer } from 'kafkajs'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { OutgoingRecord } from '../domain/record.ts'
import { createKafka, type KafkaConnection } from './connection.ts'
import { asKafkaFailure, isUnreachable } from './kafka-unavailability.ts'
import { Partitioners } from './kafkajs.ts'
import { splitRequests } from './produce-request.ts'
import { settlesWithin } from './settles-within.ts'

export interface RecordProducer {
  /**
   * Publishes the records; those of one key and topic in their order.
   * Resolves once the broker has acknowledged all of them. Throws DependencyUnavailable when the broker is away or did
   * not answer in time: some may have been stored. Throws another error when it refuses a record, after all others of
   * the call were tried.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>
  /** Refuses what comes from now on, waits for what is queued, and disconnects; bounded, never throws. */
  close(): Promise<void>
}

const acknowledgementTimeoutMs = 8_000
/**
 * A broker that hangs is left after the first of these: the next tries go to the new leaders, and the limit of a call is
 * not reached.
 */
const clientLimits = { requestTimeoutMs: 10_000, retries: 2 }
/** Over all of kafkajs's retries, which reconnect and look up leaders without a bound of their own. */
const sendTimeoutMs = 60_000
export const closeTimeoutMs = 5_000

/** Connects. Throws DependencyUnavailable when no broker answers. */
export async function startRecordProducer(connection: KafkaConnection): Promise<RecordProducer> {
  return createRecordProducer(await connectProducer(connection))
}

async function connectProducer(connection: KafkaConnection): Promise<Producer> {
  const producer = createKafka(connection, clientLimits).producer({
    allowAutoTopicCreation: false,
    idempotent: false,
    // murmur2 over the key, as Java's: named, or kafkajs warns that it changed.
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  try {
    await producer.connect()
    return producer
  } catch (error) {
    await producer.disconnect().catch(() => {})
    throw asKafkaFailure(error)
  }
}

/** One call of `send`. */
interface Call {
  records: readonly OutgoingRecord[]
  /** Settled: it ran out of time while it waited. */
  over: boolean
  resolve(): void
  reject(error: unknown): void
}

/** @param producer connected, not idempotent. */
export function createRecordProducer(producer: Pick<Producer, 'sendBatch' | 'disconnect'>): RecordProducer {
  let waiting: Call[] = []
  let sending: Promise<void> | undefined
  let closed = false

  function send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    // The process stops; whoever still works waits for a broker that does not come, and is tried again elsewhere.
    if (closed) return Promise.reject(new DependencyUnavailable('kafka', 'PRODUCER_CLOSED'))
    const { call, settled } = beginCall(records)
    waiting.push(call)
    sending ??= sendWaiting()
    return settled
  }

  async function sendWaiting(): Promise<void> {
    // The turn lets every chunk that finished in this tick join the first request.
    await Promise.resolve()
    while (waiting.length > 0) {
      const together = waiting
      waiting = []
      await sendTogether(together)
    }
    // In the same step that found nothing waiting: a call that comes a moment later has to begin a new round.
    sending = undefined
  }

  async function sendTogether(calls: readonly Call[]): Promise<void> {
    const open = calls.filter((call) => !call.over)
    if (open.length === 0) return
    const failure = await trySend(open.flatMap((call) => call.records))
    if (failure === undefined) for (const call of open) call.resolve()
    else if (open.length === 1 || isUnreachable(failure.error)) for (const call of open) call.reject(failure.error)
    else {
      // In halves, so that nobody is blamed for another's record or topic; what was stored already is a repeat.
      const middle = Math.ceil(open.length / 2)
      await sendTogether(open.slice(0, middle))
      await sendTogether(open.slice(middle))
    }
  }

  async function trySend(records: readonly OutgoingRecord[]): Promise<{ error: unknown } | undefined> {
    let failure: { error: unknown } | undefined
    for (const topicMessages of splitRequests(records)) {
      try {
        await producer.sendBatch({ topicMessages, acks: -1, timeout: acknowledgementTimeoutMs })
      } catch (error) {
        const met = asKafkaFailure(error)
        // Another request would wait as long again, and whether one was refused shows when the broker is back.
        if (met instanceof DependencyUnavailable) return { error: met }
        failure ??= { error: met }
      }
    }
    return failure
  }

  async function close(): Promise<void> {
    closed = true
    await settlesWithin(closeTimeoutMs, Promise.resolve(sending))
    for (const call of waiting) call.reject(new DependencyUnavailable('kafka', 'PRODUCER_CLOSED'))
    await settlesWithin(closeTimeoutMs, producer.disconnect())
  }

  return { send, close }
}

function beginCall(records: readonly OutgoingRecord[]): { call: Call; settled: Promise<void> } {
  const outcome = Promise.withResolvers<void>()
  const timer = setTimeout(() => end(() => outcome.reject(sendTimedOut())), sendTimeoutMs)
  function end(settle: () => void): void {
    clearTimeout(timer)
    call.over = true
    settle()
  }
  const call: Call = {
    records,
    over: false,
    resolve: () => end(outcome.resolve),
    reject: (error) => end(() => outcome.reject(error)),
  }
  return { call, settled: outcome.promise }
}

function sendTimedOut(): DependencyUnavailable {
  return new DependencyUnavailable('kafka', 'SEND_TIMEOUT')
}
