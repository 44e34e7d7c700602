import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import '../../../src/kafka/kafkajs.ts'
import type { SendMessages } from '../../../src/kafka/whole-retries.ts'

const require = createRequire(import.meta.url)
// As our patch has put it in place.
const sendMessages = require('kafkajs/src/producer/sendMessages.js') as (options: object) => ReturnType<SendMessages>
const createRetry = require('kafkajs/src/retry/index.js') as (options: object) => unknown
const { KafkaJSNonRetriableError, KafkaJSProtocolError } = require('kafkajs') as Record<
  string,
  new (e: object) => Error
>

interface Topic {
  topic: string
  partitions: { partition: number }[]
}

/** Two brokers that lead one partition each, until the second one is lost and the first one leads both. */
function losingABroker(refusal: Error) {
  const stored: number[] = []
  const leaderOf = new Map([
    [0, 1],
    [1, 2],
  ])
  const brokerOf = (nodeId: number) => ({
    nodeId,
    produce: async ({ topicData }: { topicData: Topic[] }) => {
      if (nodeId === 2) throw refusal
      const partitions = topicData.flatMap((each) => each.partitions.map(({ partition }) => partition))
      stored.push(...partitions)
      return { topics: [{ topicName: 'topic', partitions: partitions.map((partition) => ({ partition })) }] }
    },
  })
  const brokers = new Map([1, 2].map((nodeId) => [nodeId, brokerOf(nodeId)]))
  const cluster = {
    addMultipleTargetTopics: async () => {},
    refreshMetadataIfNecessary: async () => {},
    refreshMetadata: async () => void leaderOf.set(1, 1),
    isConnected: () => true,
    findTopicPartitionMetadata: () => [...leaderOf].map(([partitionId, leader]) => ({ partitionId, leader })),
    findLeaderForPartitions: (_: string, partitions: string[]) =>
      Object.fromEntries(
        Map.groupBy(partitions.map(Number), (partition) => leaderOf.get(partition)).entries() as Iterable<
          [PropertyKey, number[]]
        >,
      ),
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers.get(Number(nodeId)),
  }
  const send = sendMessages({
    cluster,
    logger: { debug: () => {}, error: () => {} },
    partitioner: ({ message }: { message: { partition: number } }) => message.partition,
    eosManager: {
      isTransactional: () => false,
      acquireBrokerLock: async () => {},
      releaseBrokerLock: async () => {},
      getSequence: () => 0,
      updateSequence: () => {},
      getProducerId: () => -1,
      getProducerEpoch: () => 0,
    },
    retrier: createRetry({ retries: 2, initialRetryTime: 1 }),
  })
  const messages = [0, 1].map((partition) => ({ partition, value: 'x' }))
  return { stored, send: () => send({ acks: -1, topicMessages: [{ topic: 'topic', messages }] }) }
}

describe('a request to several brokers of which one is lost', () => {
  test('is sent whole again: what the lost one led is not left out because its new leader has answered', async () => {
    const notLeader = new KafkaJSProtocolError!({ type: 'NOT_LEADER_FOR_PARTITION', message: 'moved', retriable: true })
    const { stored, send } = losingABroker(notLeader)
    await send()
    assert.deepEqual(new Set(stored), new Set([0, 1]))
  })

  test('is given up at once where a broker refuses it for good', async () => {
    const refusal = new KafkaJSNonRetriableError!(new Error('too large'))
    const { stored, send } = losingABroker(refusal)
    await assert.rejects(send(), refusal)
    assert.deepEqual(stored, [0])
  })
})
