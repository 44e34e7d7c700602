/**
 * The router of one lane: requested topic → channel topics and statuses.
 */
import type { Configuration } from '../config.ts'
import type { Cap } from '../domain/category.ts'
import type { Lane } from '../domain/channel.ts'
import { mergeChunks } from '../kafka/chunk-merger.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startInPlaceConsumer } from '../kafka/in-place-consumer.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { createCategories } from '../postgres/categories.ts'
import { createNotificationLog } from '../postgres/notification-log.ts'
import { createProfiles } from '../postgres/profiles.ts'
import { followRulesChanges } from '../postgres/rules-changes.ts'
import type { HotPathPool } from '../postgres/hot-path-pool.ts'
import { createSuppressions } from '../postgres/suppressions.ts'
import { createTemplates } from '../postgres/templates.ts'
import { isDataFault } from '../postgres/data-fault.ts'
import { connectRedis, untilRedisReady } from '../redis/connection.ts'
import { createCaps, type Caps } from '../redis/caps.ts'
import { createProfileCache, type ProfileCache } from '../redis/profile-cache.ts'
import type { DecodedRequest, RequestReader, RouterPorts } from '../services/router/ports.ts'
import { createProfileSource } from '../services/router/profile-source.ts'
import { createRouter } from '../services/router/router.ts'
import { createRulesCache } from '../services/router/rules-cache.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import {
  addressHasher,
  deliverySections,
  openDeliveryInfrastructure,
  sha1,
  sha256,
  type DeliveryInfrastructure,
} from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'
import { createRouterMetrics, type RouterMetrics } from '../telemetry/router-metrics.ts'

/** A role that starts beside its Redis waits so long for the first connection; then it routes without. */
const redisPatienceMs = 3_000

/** All of the topic's, so that their small chunks can be merged. */
const partitionsConcurrently = 12
/** Measured best on two cores: one waits for the database, one for the broker, one computes. */
const chunksConcurrently = 3

/** What startRouters reads of the configuration, beside what opens the infrastructure. */
export const routingSections = ['redis', 'postgres', 'addresses', 'routing'] as const
export type RoutersConfiguration = Pick<Configuration, (typeof routingSections)[number]>

/** What the role reads of the configuration besides what every role does. */
export const routerSections = ['lane', ...routingSections, ...deliverySections] as const

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'router',
      sections: routerSections,
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        return closingAfter(await startRouters(opened, [own.lane.lane], own), opened)
      },
    },
    context,
  )
}

/** One consumer for each lane; they share what is not a lane's own. */
export async function startRouters(
  infrastructure: DeliveryInfrastructure,
  lanes: readonly Lane[],
  { redis: { url }, postgres, addresses: { hashKey }, routing }: RoutersConfiguration,
): Promise<RoleParts> {
  const { log, registry, configuration } = infrastructure
  const metrics = createRouterMetrics(registry)
  const redis = connectRedis({ url, lost: (code) => log.warn({ code }, 'redis is away') })
  await untilRedisReady(redis, redisPatienceMs)
  const cache = createProfileCache({
    redis,
    keyPrefix: configuration.topics.prefix,
    failed: (operation) => infrastructure.profileCacheMetrics.failures.inc({ operation }),
  })
  const caps = createCaps({
    redis,
    keyPrefix: configuration.topics.prefix,
    failed: (operation) => metrics.capFailures.inc({ operation }),
  })
  const rules = createRules(infrastructure.pool)
  const changes = followRulesChanges({
    url: postgres.url,
    applicationName: 'fanfare-router-rules',
    changed: () => {
      rules.categories.forget()
      rules.templates.forget()
    },
  })
  const ports = routerPorts(infrastructure, metrics, { cache, caps, rules, hashKey, ...routing })
  const consumers = await Promise.all(lanes.map((lane) => startRouter(infrastructure, lane, ports)))
  return {
    consumers,
    close: async () => {
      redis.disconnect()
      await changes.close()
    },
  }
}

async function startRouter(
  infrastructure: DeliveryInfrastructure,
  lane: Lane,
  ports: RouterPorts,
): Promise<RunningConsumer> {
  const { configuration, topics, kafka, producer, consumerMetrics, log, fatal } = infrastructure
  const group = topics.group('router', lane)
  const router = createRouter(lane, ports)
  return startInPlaceConsumer({
    connection: { ...kafka, clientId: `${kafka.clientId}-${lane}` },
    groupId: group,
    topics: [topics.requested(lane)],
    sessionTimeoutMs: configuration.consumer.sessionTimeoutMs,
    drainBudgetMs: configuration.consumer.drainBudgetMs,
    chunkSize: configuration.consumer.chunkSize,
    report: consumerTelemetry({ group, metrics: consumerMetrics, log: log.child({ lane }) }),
    fatal,
    clock: () => performance.now(),
    partitionsConcurrently,
    handle: mergeChunks({
      handle: (records) => router.handle(records),
      recordsMax: configuration.consumer.chunkSize,
      concurrency: chunksConcurrently,
    }),
    deadLetter: async (record, error) => {
      const reason = isDataFault(error) ? 'data_error' : 'internal_error'
      await producer.send([deadLetterRecord(topics.requestedDeadLetter, record, reason, redactedLine(error))])
      return reason
    },
  })
}

function createRules(pool: HotPathPool) {
  const clock = () => performance.now()
  const categories = createCategories(pool)
  const templates = createTemplates(pool)
  return {
    categories: createRulesCache({ load: (names) => categories.loadCategories(names), clock }),
    templates: createRulesCache({ load: (names) => templates.loadPublished(names), clock }),
  }
}

interface RouterParts {
  rules: ReturnType<typeof createRules>
  cache: ProfileCache
  caps: Caps
  hashKey: Uint8Array
  userCaps: readonly Cap[]
  defaultZone: string
}

function routerPorts(
  infrastructure: DeliveryInfrastructure,
  metrics: RouterMetrics,
  { cache, caps, rules, hashKey, userCaps, defaultZone }: RouterParts,
): RouterPorts {
  const { pool, producer, topics, schemas, commandWriter, statusWriter, now } = infrastructure
  const profiles = createProfiles(pool)
  const suppressions = createSuppressions(pool)
  const hash = addressHasher(hashKey)
  return {
    reader: requestReader(schemas),
    log: createNotificationLog(pool),
    loadProfiles: createProfileSource({
      cache,
      loadFromDatabase: (userIds) => profiles.loadProfiles(userIds),
      observe: ({ hits, misses }) => {
        metrics.profileReads.inc({ result: 'hit' }, hits)
        metrics.profileReads.inc({ result: 'miss' }, misses)
      },
    }),
    loadCategories: (names) => rules.categories.load(names),
    loadTemplates: (names) => rules.templates.load(names),
    findSuppressed: (questions) =>
      suppressions.findSuppressed(
        questions.map(({ channel, address, category }) => ({ channel, category, addressHash: hash(channel, address) })),
      ),
    caps,
    userCaps,
    defaultZone,
    encodeCommand: (command) => commandWriter.encode(command),
    encodeStatus: (status) => statusWriter.encode(status),
    publish: (records) => producer.send(records),
    deadLetter: (topic, record, reason) => deadLetterRecord(topic, record, reason, null),
    topics,
    sha256,
    sha1,
    now,
    observe: routerTelemetry(infrastructure, metrics),
  }
}

function routerTelemetry(
  { deliveryMetrics, consumerMetrics, topics }: DeliveryInfrastructure,
  metrics: RouterMetrics,
): RouterPorts['observe'] {
  return (observation) => {
    switch (observation.kind) {
      case 'status':
        return deliveryMetrics.statuses.inc({
          status: observation.status.status,
          reason: observation.status.reason ?? '',
        })
      case 'dead_letter':
        return consumerMetrics.deadLetters.inc({
          group: topics.group('router'),
          topic: observation.topic,
          reason: observation.reason,
        })
      case 'foreign_key':
        return metrics.foreignKeys.inc()
      case 'wrong_lane':
        return metrics.wrongLanes.inc()
      case 'deferred':
        return metrics.deferrals.inc({ reason: observation.reason })
    }
  }
}

function requestReader(schemas: DeliveryInfrastructure['schemas']): RequestReader {
  const reader = createAvroReader({ schemas, records: ['NotificationRequested', 'NotificationCancelled'] })
  return {
    decode: async (values) =>
      (await reader.decodeChunk(values)).map((decoded): DecodedRequest => {
        if (decoded.kind === 'poison') return decoded
        return decoded.name === 'NotificationRequested'
          ? { kind: 'requested', event: decoded.value }
          : { kind: 'cancelled', event: decoded.value }
      }),
  }
}
