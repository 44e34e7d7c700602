/**
 * A Kafka broker that is its own KRaft controller, on one node.
 *
 * Its storage is formatted by writing the one file that the formatting tool would write: that saves starting a second
 * Java machine. Ready means that clients of every kind can work: right after it opens its port a broker still answers
 * that its group coordinator is loading, which kafkajs reports as an error or as a crashed consumer.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { javaFlags } from './java.ts'
import type { PartDefinition } from './part.ts'

export interface KafkaOptions {
  java: string
  /** Folder of the jars. */
  libraries: string
  /** Folder of this broker alone, which need not exist. */
  directory: string
}

const NODE_ID = 1
const HEAP_MEBIBYTES = 512
const INTERNAL_PARTITIONS = 5
/** A record of 1 MiB plus its batch and its headers' lengths. */
const MESSAGE_MAX_BYTES = 1_048_576 + 65_536
/** Tests want to see a member expelled sooner than Kafka's default minimum of 6 s allows. */
const GROUP_MIN_SESSION_TIMEOUT_MS = 1_000
/** The default buffer of 128 MiB would be a quarter of the heap. Kafka wants more than 1 MiB per cleaner thread. */
const LOG_CLEANER_BUFFER_BYTES = 4_194_304
/** The controller lets a broker that was killed register again only when its last session is over (default 9 s). */
const BROKER_SESSION_TIMEOUT_MS = 3_000
const BROKER_HEARTBEAT_INTERVAL_MS = 500
const PROBE_TIMEOUT_MS = 2_000

export function kafkaPart(options: KafkaOptions): PartDefinition {
  const data = join(options.directory, 'log')
  const propertiesFile = join(options.directory, 'server.properties')
  const clusterId = randomBytes(16).toString('base64url')

  async function format(): Promise<void> {
    if (existsSync(join(data, 'meta.properties'))) return
    await mkdir(data, { recursive: true })
    const directoryId = randomBytes(16).toString('base64url')
    const meta = { version: 1, 'cluster.id': clusterId, 'node.id': NODE_ID, 'directory.id': directoryId }
    await writeFile(join(data, 'meta.properties'), propertyLines(meta))
  }

  return {
    name: 'kafka',
    portCount: 2,
    restartSignal: 'SIGTERM',
    discardSignal: 'SIGKILL',
    async prepare([port = 0, controllerPort = 0]) {
      await format()
      await writeFile(propertiesFile, propertyLines(serverProperties({ port, controllerPort, data })))
      const logging = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
      const classPath = join(options.libraries, '*')
      return {
        program: options.java,
        arguments: [
          ...javaFlags({ heapMebibytes: HEAP_MEBIBYTES, temporaryDirectory: options.directory }),
          logging,
          '-cp',
          classPath,
          'kafka.Kafka',
          propertiesFile,
        ],
        workingDirectory: options.directory,
        environment: { LANG: 'C.UTF-8' },
      }
    },
    isReady: ([port = 0]) => coordinatesGroups(port, clusterId),
  }
}

function serverProperties(broker: { port: number; controllerPort: number; data: string }): Record<string, unknown> {
  const { port, controllerPort, data } = broker
  return {
    'process.roles': 'broker,controller',
    'node.id': NODE_ID,
    'controller.quorum.voters': `${NODE_ID}@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'message.max.bytes': MESSAGE_MAX_BYTES,
    'broker.session.timeout.ms': BROKER_SESSION_TIMEOUT_MS,
    'broker.heartbeat.interval.ms': BROKER_HEARTBEAT_INTERVAL_MS,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': GROUP_MIN_SESSION_TIMEOUT_MS,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': INTERNAL_PARTITIONS,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': INTERNAL_PARTITIONS,
    'log.cleaner.dedupe.buffer.size': LOG_CLEANER_BUFFER_BYTES,
  }
}

/** True once it is our cluster that answers and every partition of the offsets topic has its coordinator loaded. */
async function coordinatesGroups(port: number, clusterId: string): Promise<boolean> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: PROBE_TIMEOUT_MS,
    requestTimeout: PROBE_TIMEOUT_MS,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const cluster = await admin.describeCluster()
    await admin.describeGroups(oneGroupPerOffsetsPartition())
    return cluster.clusterId === clusterId
  } finally {
    await admin.disconnect()
  }
}

/**
 * A group's coordinator follows from its name's Java hash modulo the partitions of the offsets topic. The hash of a
 * name of one letter is the letter's code, so letters in a row fall on each partition once.
 */
function oneGroupPerOffsetsPartition(): string[] {
  return Array.from({ length: INTERNAL_PARTITIONS }, (_, index) => String.fromCharCode('a'.charCodeAt(0) + index))
}

function propertyLines(properties: Record<string, unknown>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${String(value)}\n`)
    .join('')
}
