/**
 * The brokers of a world, past the proxies: whether they are whole, who leads, and moving the leaders on purpose.
 */
import { AssignerProtocol, Kafka, logLevel, type Admin, type PartitionMetadata } from 'kafkajs'
import type { Stack } from '../../../src/local/stack/stack.ts'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'

export interface TopicPartition extends PartitionMetadata {
  topic: string
}

/** For followers to catch up after a restart, on a machine that does much else. */
const inSyncLimitMs = 90_000
const pollMs = 250
const requestTimeoutMs = 5_000

/** A client of its own for each use: one that has asked a broker that hangs goes on asking it. */
export async function withAdmin<Result>(
  brokers: readonly string[],
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 }
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId: 'faults-brokers',
    logLevel: logLevel.NOTHING,
    requestTimeout: requestTimeoutMs,
    retry,
  })
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Starts again whichever broker is down, and waits until each partition of the cluster is on all of its replicas. */
export async function repairBrokers(stack: Stack, brokerCount: number): Promise<void> {
  const ids = Array.from({ length: brokerCount }, (_, index) => index + 1)
  const down = ids.filter((broker) => !stack.isRunning('kafka', { broker }))
  await Promise.all(down.map((broker) => stack.restart('kafka', { broker })))
  await untilInSync(stack)
}

export async function untilInSync({ kafka }: Stack): Promise<void> {
  const isInSync = async () =>
    (await partitionsOf(kafka.brokers)).every(({ isr, replicas }) => isr.length === replicas.length)
  const waited = await waitUntil(isInSync, { timeoutMs: inSyncLimitMs, intervalMs: pollMs })
  if (!waited.met) throw new Error(`not in sync within ${inSyncLimitMs} ms`, { cause: waited.lastError })
}

/** All partitions of the cluster, those of Kafka itself included. */
export async function partitionsOf(brokers: readonly string[]): Promise<TopicPartition[]> {
  return withAdmin(brokers, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata()
    return topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ ...partition, topic: name })))
  })
}

/**
 * Takes a broker out of the replicas of these partitions, so that they are led by others, and resolves once they are.
 * It is back, as the last of the replicas, with `putBack`.
 */
export async function takeOut(
  broker: number,
  partitions: readonly TopicPartition[],
  brokers: readonly string[],
): Promise<void> {
  const others = partitions.map((each) => ({
    ...each,
    replicas: each.replicas.filter((replica) => replica !== broker),
  }))
  await reassign(others, brokers)
}

export async function putBack(
  broker: number,
  partitions: readonly TopicPartition[],
  brokers: readonly string[],
): Promise<void> {
  const rotated = partitions.map((each) => ({
    ...each,
    replicas: [...each.replicas.filter((replica) => replica !== broker), broker],
  }))
  await reassign(rotated, brokers)
}

async function reassign(wanted: readonly TopicPartition[], brokers: readonly string[]): Promise<void> {
  const byTopic = Map.groupBy(wanted, ({ topic }) => topic)
  const topics = [...byTopic].map(([topic, partitions]) => ({
    topic,
    partitionAssignment: partitions.map(({ partitionId, replicas }) => ({ partition: partitionId, replicas })),
  }))
  await withAdmin(brokers, (admin) => admin.alterPartitionReassignments({ topics }))
  const replicasOf = new Map(wanted.map((each) => [nameOf(each), new Set(each.replicas)]))
  const isDone = async () =>
    (await partitionsOf(brokers)).every((each) => {
      const replicas = replicasOf.get(nameOf(each))
      return replicas === undefined || (isSame(replicas, each.replicas) && replicas.has(each.leader))
    })
  const waited = await waitUntil(isDone, { timeoutMs: inSyncLimitMs, intervalMs: pollMs })
  if (!waited.met) throw new Error(`not reassigned within ${inSyncLimitMs} ms`, { cause: waited.lastError })
}

function isSame(wanted: ReadonlySet<number>, replicas: readonly number[]): boolean {
  return replicas.length === wanted.size && replicas.every((replica) => wanted.has(replica))
}

function nameOf({ topic, partitionId }: TopicPartition): string {
  return `${topic}/${partitionId}`
}

/** How many partitions the living members of a group share, as its coordinator has it. */
export async function assignedPartitions(admin: Admin, groupId: string): Promise<number> {
  const { groups } = await admin.describeGroups([groupId])
  const assignments = (groups[0]?.members ?? []).map(({ memberAssignment }) =>
    AssignerProtocol.MemberAssignment.decode(memberAssignment),
  )
  const partitions = assignments.flatMap((each) => Object.values(each?.assignment ?? {}).flat())
  return groups[0]?.state === 'Stable' ? partitions.length : 0
}
