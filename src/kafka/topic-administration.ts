/**
 * Makes a cluster's topics what topics/ says, and tells where they are not.
 *
 * Applying is repeatable: it observes, compares and repairs only what differs, so a second run changes nothing and a
 * run that was interrupted is finished by the next. Topics that no file names are left alone; on those that a file
 * names, a configuration that was set by hand is taken back, as Strimzi's operator does with the same files.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Admin, ConfigResourceTypes, ConfigSource, Kafka } from 'kafkajs'
import { compareTopics, isRepairable, type ObservedTopic, type TopicDrift } from './topic-drift.ts'
import type { TopicDefinition } from './topic-files.ts'
import { withAdmin } from './with-admin.ts'

export interface AppliedTopics {
  /** What differed and was put right. */
  repaired: TopicDrift[]
  /** What differs still: a person has to decide. */
  remaining: TopicDrift[]
  refused: TopicRefusal[]
}

/** The cluster will not have it so, for instance more replicas than it has brokers. */
interface TopicRefusal {
  topic: string
  /** Kafka's error type: `INVALID_REPLICATION_FACTOR`. */
  code: string
}

/**
 * Creates what is missing, grows partitions, and sets the configuration where it differs. Returns once the brokers show
 * it, so that whoever comes next can produce; what they do not show within ten seconds is `remaining`.
 * @throws DependencyUnavailable when the brokers are away.
 */
export async function applyTopics(kafka: Kafka, wanted: readonly TopicDefinition[]): Promise<AppliedTopics> {
  return withAdmin(kafka, async (admin) => {
    const before = compareTopics(wanted, await observeTopics(admin, wanted))
    const refused = await repair(admin, wanted, before.filter(isRepairable))
    const refusedTopics = new Set(refused.map(({ topic }) => topic))
    const isOpen = (drift: TopicDrift) => isRepairable(drift) && !refusedTopics.has(drift.topic)
    const remaining = before.some(isOpen) ? await settle(admin, wanted, isOpen) : before
    const repaired = before.filter((drift) => !remaining.some((still) => isDeepStrictEqual(still, drift)))
    return { repaired, remaining, refused }
  })
}

/**
 * Where the cluster's topics differ; an empty list if nowhere.
 * @throws DependencyUnavailable when the brokers are away.
 */
export async function checkTopics(kafka: Kafka, wanted: readonly TopicDefinition[]): Promise<TopicDrift[]> {
  return withAdmin(kafka, async (admin) => compareTopics(wanted, await observeTopics(admin, wanted)))
}

/** kafkajs's enums exist at run time only in kafkajs itself, which one other file may load. */
const topicResource: ConfigResourceTypes.TOPIC = 2
const setOnTopic: ConfigSource.TOPIC_CONFIG = 1

async function observeTopics(admin: Admin, wanted: readonly TopicDefinition[]): Promise<ObservedTopic[]> {
  // Asking for the metadata of a topic that does not exist is retried for seconds: look first.
  const existing = new Set(await admin.listTopics())
  const names = wanted.map(({ name }) => name).filter((name) => existing.has(name))
  if (names.length === 0) return []
  const { topics } = await admin.fetchTopicMetadata({ topics: names })
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: topicResource, name })),
  })
  const configOf = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      configEntries.filter(({ configSource }) => configSource === setOnTopic),
    ]),
  )
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.length,
    // While partitions are being moved they differ; the lowest is what can be relied on.
    replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    config: Object.fromEntries((configOf.get(name) ?? []).map((entry) => [entry.configName, entry.configValue])),
  }))
}

async function repair(
  admin: Admin,
  wanted: readonly TopicDefinition[],
  drifts: readonly TopicDrift[],
): Promise<TopicRefusal[]> {
  const drifting = new Set(drifts.map((drift) => `${drift.kind} ${drift.topic}`))
  const drifted = (kind: TopicDrift['kind']) => wanted.filter(({ name }) => drifting.has(`${kind} ${name}`))
  return [
    ...(await createTopics(admin, drifted('missing'))),
    ...(await growPartitions(admin, drifted('partitions'))),
    ...(await setConfig(admin, drifted('config'))),
  ]
}

const settleAttempts = 100
const settleIntervalMs = 100

/**
 * Waits until the brokers show what the controller has accepted, and lead it: a broker lists a new topic before it leads
 * its partitions, and a producer that comes in between is refused for some of them and sends the others twice.
 * kafkajs's own `waitForLeaders` fails with UNKNOWN_TOPIC_OR_PARTITION when it asks a broker that has not heard of the
 * topic yet, which KRaft makes common.
 * @returns what differs then.
 */
async function settle(
  admin: Admin,
  wanted: readonly TopicDefinition[],
  isOpen: (drift: TopicDrift) => boolean,
): Promise<TopicDrift[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const drifts = compareTopics(wanted, await observeTopics(admin, wanted))
      const settled = !drifts.some(isOpen)
      if (settled) await askLeaders(admin, existing(wanted, drifts))
      if (settled || attempt === settleAttempts) return drifts
    } catch (error) {
      // One broker lists the topic, another that is asked about it does not know it yet.
      if (protocolTypeOf(error) === undefined || !isRetriable(error) || attempt === settleAttempts) throw error
    }
    await delay(settleIntervalMs)
  }
}

/**
 * Only the leader of a partition tells its offsets. One topic after the other: each makes kafkajs ask for the metadata of
 * one more, and when two brokers answer out of order it keeps the older answer, finds no partitions of the newer topic
 * and ends in a TypeError.
 */
async function askLeaders(admin: Admin, topics: readonly TopicDefinition[]): Promise<void> {
  for (const { name } of topics) await admin.fetchTopicOffsets(name)
}

/** Asking about a topic that is missing, because it was refused, would be retried for seconds. */
function existing(wanted: readonly TopicDefinition[], drifts: readonly TopicDrift[]): TopicDefinition[] {
  const missing = new Set(drifts.filter(({ kind }) => kind === 'missing').map(({ topic }) => topic))
  return wanted.filter(({ name }) => !missing.has(name))
}

async function createTopics(admin: Admin, topics: readonly TopicDefinition[]): Promise<TopicRefusal[]> {
  if (topics.length === 0) return []
  try {
    await admin.createTopics({
      waitForLeaders: false,
      topics: topics.map(({ name, partitions, replicas, config }) => ({
        topic: name,
        numPartitions: partitions,
        replicationFactor: replicas,
        configEntries: configEntriesOf(config),
      })),
    })
    return []
  } catch (error) {
    const refusals = creationErrorsOf(error).map(({ topic, type }) => ({ topic, code: type }))
    if (refusals.length === 0) throw error
    // Another apply at the same time may have been first.
    return refusals.filter(({ code }) => code !== 'TOPIC_ALREADY_EXISTS')
  }
}

/** kafkajs throws one `KafkaJSAggregateError` whose `errors` name their topics. */
function creationErrorsOf(error: unknown): { topic: string; type: string }[] {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return []
  return error.errors.flatMap((each: unknown) => {
    const type = protocolTypeOf(each)
    const topic = each instanceof Error && 'topic' in each ? each.topic : undefined
    return typeof topic === 'string' && type !== undefined ? [{ topic, type }] : []
  })
}

async function growPartitions(admin: Admin, topics: readonly TopicDefinition[]): Promise<TopicRefusal[]> {
  return refusalsOf(topics, ({ name, partitions }) =>
    admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] }),
  )
}

async function setConfig(admin: Admin, topics: readonly TopicDefinition[]): Promise<TopicRefusal[]> {
  // This request replaces the topic's whole configuration: what it does not name goes back to the broker's default.
  return refusalsOf(topics, async ({ name, config }) => {
    const resource = { type: topicResource, name, configEntries: configEntriesOf(config) }
    await admin.alterConfigs({ validateOnly: false, resources: [resource] })
  })
}

/** One request for each topic, since kafkajs does not say which of several it was that the broker refused. */
async function refusalsOf(
  topics: readonly TopicDefinition[],
  change: (topic: TopicDefinition) => Promise<unknown>,
): Promise<TopicRefusal[]> {
  const refusals: TopicRefusal[] = []
  for (const topic of topics) {
    try {
      await change(topic)
    } catch (error) {
      const code = protocolTypeOf(error)
      if (code === undefined || isRetriable(error)) throw error
      refusals.push({ topic: topic.name, code })
    }
  }
  return refusals
}

function protocolTypeOf(error: unknown): string | undefined {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : undefined
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true
}

function configEntriesOf(config: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(config).map(([name, value]) => ({ name, value }))
}
