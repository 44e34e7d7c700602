import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startReplaceableProducer, type BatchProducer } from '../../../src/kafka/replaceable-producer.ts'

const named = (name: string, cause?: Error) => Object.assign(new Error('x', { cause }), { name })
const batch = { topicMessages: [] }

/** Producers of which each throws what it is given, or sends. */
function producersThat(...failures: (Error | undefined)[]) {
  const left: number[] = []
  let made = 0
  const connect = async (): Promise<BatchProducer> => {
    const number = made
    made += 1
    await Promise.resolve()
    return {
      sendBatch: async () => {
        await Promise.resolve()
        const failure = failures[number]
        if (failure !== undefined) throw failure
        return []
      },
      disconnect: async () => {
        await Promise.resolve()
        left.push(number)
      },
    }
  }
  return { connect, left, made: () => made }
}

describe('a producer', () => {
  test('is replaced when a request timed out, and tells the failure', async () => {
    const timedOut = named('KafkaJSNumberOfRetriesExceeded', named('KafkaJSRequestTimeoutError'))
    const producers = producersThat(timedOut, undefined)
    const producer = await startReplaceableProducer(producers.connect)
    await assert.rejects(producer.sendBatch(batch), timedOut)
    await producer.sendBatch(batch)
    assert.equal(producers.made(), 2)
    assert.deepEqual(producers.left, [0])
    await producer.disconnect()
    assert.deepEqual(producers.left, [0, 1])
  })

  test('is kept for every other failure: its client finds the leaders again', async () => {
    const producers = producersThat(named('KafkaJSConnectionClosedError'))
    const producer = await startReplaceableProducer(producers.connect)
    await assert.rejects(producer.sendBatch(batch))
    assert.equal(producers.made(), 1)
  })

  test('is kept when no other can be had', async () => {
    const timedOut = named('KafkaJSRequestTimeoutError')
    const producers = producersThat(timedOut)
    const producer = await startReplaceableProducer(async () => {
      if (producers.made() > 0) throw new Error('nobody answers')
      return producers.connect()
    })
    await assert.rejects(producer.sendBatch(batch), timedOut)
    await producer.disconnect()
    assert.deepEqual(producers.left, [0])
  })
})
