/**
 * kafkajs's producer, replaced when a broker stops answering.
 *
 * After a request that timed out kafkajs does not ask who leads the partitions now, so it writes to a broker that hangs
 * for as long as that hangs (measured: a frozen broker lost its partitions within 6 s, and three minutes later every
 * write still went to it). A new client asks anew.
 */
import type { Producer } from 'kafkajs'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import { asKafkaFailure } from './kafka-unavailability.ts'
import { settlesWithin } from './settles-within.ts'

export type BatchProducer = Pick<Producer, 'sendBatch' | 'disconnect'>

const leaveTimeoutMs = 5_000

/** @param connect a new, connected producer; what it throws the first time is thrown on. */
export async function startReplaceableProducer(connect: () => Promise<BatchProducer>): Promise<BatchProducer> {
  let current = await connect()

  async function replace(): Promise<void> {
    const left = current
    try {
      current = await connect()
    } catch {
      // No broker answers at all; whoever sends next finds out the same way.
      return
    }
    void settlesWithin(leaveTimeoutMs, left.disconnect())
  }

  return {
    sendBatch: async (batch) => {
      try {
        return await current.sendBatch(batch)
      } catch (error) {
        if (isTimeout(error)) await replace()
        throw error
      }
    },
    disconnect: () => current.disconnect(),
  }
}

function isTimeout(error: unknown): boolean {
  const failure = asKafkaFailure(error)
  return failure instanceof DependencyUnavailable && failure.code === 'KafkaJSRequestTimeoutError'
}
