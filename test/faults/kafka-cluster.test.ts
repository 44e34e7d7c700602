import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Kafka, logLevel, type Admin, type PartitionMetadata } from 'kafkajs'
import { type Stack, startStack } from '../../src/local/stack/stack.ts'
import { eventually } from '../support/eventually.ts'
import { startTcpProxy, type TcpProxy } from './proxy/tcp-proxy.ts'
import { seededRandom } from './supervisor/seeded-random.ts'

const cacheDirectory = join(import.meta.dirname, '../../.fanfare/cache')
const topic = 'cluster-test'
const flowsAgainLimitMs = 60_000

/** Three brokers behind a proxy each. */
describe('a stack with three brokers', () => {
  let directory: string
  let proxies: TcpProxy[]
  let stack: Stack
  let direct: Admin

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fanfare-cluster-'))
    proxies = await Promise.all([1, 2, 3].map((seed) => startTcpProxy({ random: seededRandom(seed) })))
    stack = await startStack({
      directory,
      cacheDirectory,
      environment: process.env,
      mayInstall: true,
      kafka: { brokerCount: 3, advertisedPorts: proxies.map(({ port }) => port) },
    })
    for (const [index, address] of stack.kafka.behindProxies.entries()) {
      const [host = '', port] = address.split(':')
      proxies[index]!.aim({ host, port: Number(port) })
    }
    direct = client(stack.kafka.brokers).admin()
    await direct.connect()
    await direct.createTopics({ topics: [{ topic, numPartitions: 12 }], waitForLeaders: true })
  })

  after(async () => {
    await direct?.disconnect()
    await stack?.stop()
    for (const proxy of proxies ?? []) await proxy.close()
    await rm(directory, { recursive: true, force: true })
  })

  function client(brokers: string[]): Kafka {
    const retry = { retries: 20, initialRetryTime: 100, maxRetryTime: 1_000 }
    return new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 5_000, retry })
  }

  /**
   * To each partition, through the proxies. A producer of its own each time: kafkajs does not ask for the leaders again
   * after a time-out, so one that was writing to a broker when it began to hang goes on writing to it.
   */
  async function writeEverywhere(): Promise<void> {
    const producer = client(proxies.map(({ port }) => `127.0.0.1:${port}`)).producer({ allowAutoTopicCreation: false })
    await producer.connect()
    try {
      const messages = Array.from({ length: 12 }, (_, partition) => ({ partition, value: 'x' }))
      await producer.send({ topic, acks: -1, timeout: 3_000, messages })
    } finally {
      await producer.disconnect()
    }
  }

  /** A client of its own each time: one that has asked a broker that hangs goes on asking it. */
  async function partitions() {
    const admin = client(stack.kafka.brokers.slice(0, 1)).admin()
    await admin.connect()
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions ?? []
    } finally {
      await admin.disconnect()
    }
  }

  /** No answer is no answer yet. */
  const untilNone = (what: string, isMeant: (partition: PartitionMetadata) => boolean) =>
    eventually(async () => {
      const all = await partitions().catch(() => undefined)
      const count = all?.filter(isMeant).length
      return count === 0 ? undefined : `${count ?? 'unknown'} partitions ${what}`
    }, flowsAgainLimitMs)

  const untilLedWithout = (broker: number) => untilNone(`are led by ${broker}`, ({ leader }) => leader === broker)
  const untilInSync = () => untilNone('are not in sync', ({ isr }) => isr.length < 3)

  test('keeps every record on all of them, and its offsets too', async () => {
    await writeEverywhere()
    await untilInSync()
    assert.deepEqual(new Set((await partitions()).map(({ replicas }) => replicas.length)), new Set([3]))
    const { topics } = await direct.fetchTopicMetadata({ topics: ['__consumer_offsets'] })
    assert.deepEqual(new Set(topics[0]?.partitions.map(({ replicas }) => replicas.length)), new Set([3]))
  })

  test('is reached through the proxies alone by whoever comes through one', async () => {
    const admin = client([`127.0.0.1:${proxies[0]!.port}`]).admin()
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    await admin.disconnect()
    assert.deepEqual(new Set(brokers.map(({ port }) => port)), new Set(proxies.map(({ port }) => port)))
  })

  test('is written to again after one was killed, and takes it back', async () => {
    await stack.kill('kafka', 'SIGKILL', { broker: 2 })
    const killedMs = performance.now()
    await untilLedWithout(2)
    await writeEverywhere()
    assert.ok(performance.now() - killedMs < flowsAgainLimitMs)
    await stack.restart('kafka', { broker: 2 })
    await untilInSync()
    await writeEverywhere()
  })

  test('moves the leaders away from one that hangs', async () => {
    await stack.kill('kafka', 'SIGSTOP', { broker: 3 })
    await untilLedWithout(3)
    await writeEverywhere()
    await stack.kill('kafka', 'SIGCONT', { broker: 3 })
    await untilInSync()
  })
})
