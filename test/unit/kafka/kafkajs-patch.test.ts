import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import fc from 'fast-check'

const require = createRequire(import.meta.url)

interface Message {
  key: string
}
type Group = (request: {
  topic: string
  partitionMetadata: readonly unknown[]
  messages: readonly Message[]
  partitioner: (request: { message: Message }) => number
}) => Record<number, Message[]>

interface Queue {
  pending: unknown[]
  throttledUntil: number
  inflight: Map<number, unknown>
  checkPendingRequests(): void
  destroy(): void
}

// As it is before our patch.
const upstreamGroup = require('kafkajs/src/producer/groupMessagesPerPartition.js') as Group
const RequestQueue = require('kafkajs/src/network/requestQueue/index.js') as new (options: object) => Queue
const upstreamSchedule: unknown = RequestQueue.prototype.scheduleCheckPendingRequests
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: object }
const Runner = require('kafkajs/src/consumer/runner.js') as { prototype: object }
const SeekOffsets = require('kafkajs/src/consumer/seekOffsets.js') as new () => {
  size: number
  set(topic: string, partition: number, offset: string): void
}
await import('../../../src/kafka/kafkajs.ts')
const ourGroup = require('kafkajs/src/producer/groupMessagesPerPartition.js') as Group

describe('the patch of kafkajs', () => {
  const digests = {
    'producer/groupMessagesPerPartition.js': 'ea72357721fbf67770b5e06b9bf4260faa1e60f3affb556bff2cc7892c1881fb',
    'producer/sendMessages.js': '8a120e6993955e040a13014cccebd79b8d41e7355d6eda1065fa83fea2fbbcdb',
    'network/requestQueue/index.js': 'b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c',
    'network/connection.js': '2a993b2e74421ca6d846efd59e4ba74b11100dbe7d40d0f52ea3218e917aafdd',
    'network/connectionPool.js': 'ecba4ba6fc4f2a6e5f336b838b573dcca3f01fb39542530841d68691fe4957de',
    'consumer/consumerGroup.js': 'f3e461738585a8dc6574c647123a18afc732f81cdee4f9f7bb62e4aa1dffbfbb',
    'consumer/offsetManager/index.js': 'bd1041968ae322324ebf64d2569308db19d24f70ee5dbb72c964b43bfe85c00e',
    'consumer/runner.js': 'fad3247df2e3ba483b94e014e5c5916fd72d7bdfc3b3dfccc5232b60da18306d',
  }
  for (const [file, digest] of Object.entries(digests)) {
    test(`is written for the ${file} that is installed`, () => {
      const source = readFileSync(require.resolve(`kafkajs/src/${file}`))
      assert.equal(createHash('sha256').update(source).digest('hex'), digest)
    })
  }

  test('groups messages as kafkajs does', () => {
    assert.notEqual(ourGroup, upstreamGroup)
    const messages = fc.array(fc.record({ key: fc.string() }), { maxLength: 50 })
    fc.assert(
      fc.property(messages, fc.nat(5), (sent, partitions) => {
        const request = {
          topic: 'topic',
          partitionMetadata: Array.from({ length: partitions }, () => ({})),
          messages: sent,
          partitioner: ({ message }: { message: Message }) => message.key.length % Math.max(1, partitions),
        }
        assert.deepEqual(ourGroup(request), upstreamGroup(request))
      }),
    )
  })

  test('lets an idle connection sleep, and wakes one that has requests waiting', (t) => {
    assert.notEqual(RequestQueue.prototype.scheduleCheckPendingRequests, upstreamSchedule)
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    const queue = new RequestQueue({ maxInFlightRequests: 1, logger: { debug: () => {} } })
    const checks = t.mock.method(queue, 'checkPendingRequests')
    queue.checkPendingRequests()
    t.mock.timers.tick(60_000)
    assert.equal(checks.mock.callCount(), 1, 'nothing pends, nothing is checked again')

    queue.inflight.set(1, {})
    queue.pending.push({})
    queue.checkPendingRequests()
    t.mock.timers.tick(10)
    assert.equal(checks.mock.callCount(), 3, 'a full queue looks again')
    queue.destroy()

    queue.throttledUntil = Date.now() + 500
    queue.checkPendingRequests()
    t.mock.timers.tick(499)
    assert.equal(checks.mock.callCount(), 4)
    t.mock.timers.tick(1)
    assert.equal(checks.mock.callCount(), 5, 'a throttled queue looks again when the throttle ends')
    queue.destroy()
  })

  test('forgets a seek that no fetch took up before the group rebalanced', async () => {
    const seekOffset = new SeekOffsets()
    seekOffset.set('topic', 0, '100')
    let seeksAtJoin: number | undefined
    const group = Object.assign(Object.create(ConsumerGroup.prototype), {
      seekOffset,
      retrier: async () => {
        seeksAtJoin = seekOffset.size
        // What the listener of GROUP_JOIN does.
        seekOffset.set('topic', 1, '7')
      },
    })
    await group.joinAndSync()
    assert.deepEqual([seeksAtJoin, seekOffset.size], [0, 1])
  })

  test('tells of a position outside the log once it is set back', async () => {
    const happened: unknown[] = []
    const group = Object.assign(Object.create(ConsumerGroup.prototype), {
      preferredReadReplicasPerTopicPartition: {},
      logger: { error: () => {} },
      offsetManager: {
        resolvedOffsets: { topic: { 3: '41' } },
        setDefaultOffset: async ({ topic, partition }: { topic: string; partition: number }) =>
          void happened.push(`${topic}/${partition} set back`),
      },
      instrumentationEmitter: { emit: (...told: unknown[]) => void happened.push(told) },
    })
    await group.recoverFromOffsetOutOfRange({ topic: 'topic', partition: 3 })
    const reset = { topic: 'topic', partition: 3, position: 41n }
    assert.deepEqual(happened, ['topic/3 set back', ['consumer.offset_reset', reset]])
  })

  /** A group that fetches one record of one partition, whose assignment changes when told. */
  function aRunner() {
    const group = Object.assign(Object.create(ConsumerGroup.prototype), {
      seekOffset: new SeekOffsets(),
      offsetManager: anAssignment(),
      preferredReadReplicasPerTopicPartition: {},
      subscriptionState: { assigned: () => [{ topic: 'topic', partitions: [0] }], isPaused: () => false },
      checkForStaleAssignment: () => {},
      filterPartitionsByNode: (_: number, partitions: unknown) => partitions,
      getActiveTopicPartitions: () => ({ topic: new Set([0]) }),
      seekOffsets: async () => {},
      heartbeat: async () => {},
      cluster: {
        refreshMetadataIfNecessary: async () => {},
        findBroker: async () => ({ fetch: async () => ({ responses: [response] }) }),
      },
    })
    const handled: unknown[] = []
    const runner = Object.assign(Object.create(Runner.prototype), {
      running: true,
      consumerGroup: group,
      instrumentationEmitter: { emit: () => {} },
      eachBatch: async ({ batch }: { batch: unknown }) => void handled.push(batch),
    })
    return { group, runner, handled, rejoin: () => (group.offsetManager = anAssignment()) }
  }
  const anAssignment = () => ({ committedOffsets: () => ({ topic: { 0: '0' } }), nextOffset: () => '0' })
  const response = {
    topicName: 'topic',
    partitions: [{ partition: 0, highWatermark: '1', abortedTransactions: [], messages: [{ offset: '0' }] }],
  }

  test('hands out a batch under the assignment that it was fetched under', async () => {
    const { group, runner, handled } = aRunner()
    const [batch] = await group.fetch(0)
    await runner.handleBatch(batch)
    assert.deepEqual(handled, [batch])
  })

  test('drops a batch that waited for its worker while the group rebalanced', async () => {
    const { group, runner, handled, rejoin } = aRunner()
    const [batch] = await group.fetch(0)
    rejoin()
    await runner.handleBatch(batch)
    assert.deepEqual(handled, [])
  })

  test('drops a batch whose fetch was under way while the group rebalanced', async () => {
    const { group, runner, handled, rejoin } = aRunner()
    const fetching = group.fetch(0)
    rejoin()
    const [batch] = await fetching
    await runner.handleBatch(batch)
    assert.deepEqual(handled, [])
  })
})
