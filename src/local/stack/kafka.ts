/**
 * A Kafka broker that is a KRaft controller as well: alone, or one of several.
 *
 * Its storage is formatted by writing the one file that the formatting tool would write: that saves starting a second
 * Java machine. Ready means that clients of every kind can work: right after it opens its port a broker still answers
 * that its group coordinator is loading, which kafkajs reports as an error or as a crashed consumer.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { javaFlags } from './java.ts'
import type { PartDefinition } from './part.ts'

export interface KafkaOptions {
  java: string
  /** Folder of the jars. */
  libraries: string
  /** Folder of this broker alone, which need not exist. */
  directory: string
  /** One of several brokers; absent for one that is alone. */
  member?: ClusterMember
  /**
   * Opens a third port whose clients are sent to this one for everything: that of a proxy in front of it. Clients of the
   * first port stay direct, and so do the brokers among themselves.
   */
  advertisedPort?: number
}

export interface ClusterMember {
  nodeId: number
  clusterId: string
  /** Of all members, this one included, by ascending node id. */
  controllerPorts: readonly number[]
  /** Client, controller and, where one is advertised, the port behind the proxy; chosen before any member starts. */
  ports: readonly number[]
}

const HEAP_MEBIBYTES = 512
/** Of one of several, which share the work and the machine. */
const MEMBER_HEAP_MEBIBYTES = 320
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
  const { member, advertisedPort } = options
  const data = join(options.directory, 'log')
  const propertiesFile = join(options.directory, 'server.properties')
  const clusterId = member?.clusterId ?? newKafkaId()
  const nodeId = member?.nodeId ?? 1

  async function format(): Promise<void> {
    if (existsSync(join(data, 'meta.properties'))) return
    await mkdir(data, { recursive: true })
    const meta = { version: 1, 'cluster.id': clusterId, 'node.id': nodeId, 'directory.id': newKafkaId() }
    await writeFile(join(data, 'meta.properties'), propertyLines(meta))
  }

  return {
    name: 'kafka',
    portCount: portsPerBroker(advertisedPort),
    ...(member === undefined ? {} : { fixedPorts: member.ports }),
    restartSignal: 'SIGTERM',
    discardSignal: 'SIGKILL',
    async prepare([port = 0, controllerPort = 0, proxiedPort = 0]) {
      await format()
      const controllerPorts = member?.controllerPorts ?? [controllerPort]
      const listening = {
        port,
        controllerPort,
        ...(advertisedPort === undefined ? {} : { proxiedPort, advertisedPort }),
      }
      const properties = {
        ...serverProperties({ nodeId, controllerPorts, data }),
        ...listenerProperties(listening),
        ...replicationProperties(controllerPorts.length),
      }
      await writeFile(propertiesFile, propertyLines(properties))
      const logging = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
      const classPath = join(options.libraries, '*')
      const heapMebibytes = member === undefined ? HEAP_MEBIBYTES : MEMBER_HEAP_MEBIBYTES
      return {
        program: options.java,
        arguments: [
          ...javaFlags({ heapMebibytes, temporaryDirectory: options.directory }),
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

/** Ids of clusters and of their folders: 16 random bytes in the base64 of URLs. */
export function newKafkaId(): string {
  return randomBytes(16).toString('base64url')
}

/** Client and controller, and the one behind a proxy. */
export function portsPerBroker(advertisedPort: number | undefined): number {
  return advertisedPort === undefined ? 2 : 3
}

function serverProperties(broker: {
  nodeId: number
  controllerPorts: readonly number[]
  data: string
}): Record<string, unknown> {
  const { nodeId, controllerPorts, data } = broker
  return {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': controllerPorts.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'message.max.bytes': MESSAGE_MAX_BYTES,
    'broker.session.timeout.ms': BROKER_SESSION_TIMEOUT_MS,
    'broker.heartbeat.interval.ms': BROKER_HEARTBEAT_INTERVAL_MS,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': GROUP_MIN_SESSION_TIMEOUT_MS,
    'offsets.topic.num.partitions': INTERNAL_PARTITIONS,
    'transaction.state.log.num.partitions': INTERNAL_PARTITIONS,
    'log.cleaner.dedupe.buffer.size': LOG_CLEANER_BUFFER_BYTES,
  }
}

/** Whoever comes in on a listener is told the addresses of that listener, on every broker. */
function listenerProperties(ports: {
  port: number
  controllerPort: number
  proxiedPort?: number
  advertisedPort?: number
}): Record<string, unknown> {
  const { port, controllerPort, proxiedPort, advertisedPort } = ports
  const direct = `PLAINTEXT://127.0.0.1:${port}`
  const controller = `CONTROLLER://127.0.0.1:${controllerPort}`
  if (advertisedPort === undefined) return { listeners: `${direct},${controller}`, 'advertised.listeners': direct }
  return {
    listeners: `${direct},${controller},PROXIED://127.0.0.1:${proxiedPort}`,
    'advertised.listeners': `${direct},PROXIED://127.0.0.1:${advertisedPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
  }
}

/** Every record on every broker; writable while one of three is away. */
function replicationProperties(brokerCount: number): Record<string, unknown> {
  const inSync = Math.max(1, brokerCount - 1)
  return {
    'offsets.topic.replication.factor': brokerCount,
    'transaction.state.log.replication.factor': brokerCount,
    'transaction.state.log.min.isr': inSync,
    ...(brokerCount === 1 ? {} : { 'default.replication.factor': brokerCount, 'min.insync.replicas': inSync }),
  }
}

/** True once it is our cluster that answers and every partition of the offsets topic has its coordinator loaded. */
async function coordinatesGroups(port: number, clusterId: string): Promise<boolean> {
  // Not before it is needed: in a process that also consumes or produces, src/kafka/kafkajs.ts mends the client as it is
  // loaded and has to be first.
  const { Kafka, logLevel } = await import('kafkajs')
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
