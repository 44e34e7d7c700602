/**
 * The feedback role: what providers and people reported → statuses, rows, suppressions, devices.
 */
import type { Configuration } from '../config.ts'
import { mergeChunks } from '../kafka/chunk-merger.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startInPlaceConsumer } from '../kafka/in-place-consumer.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import { createAddressHygiene } from '../postgres/address-hygiene.ts'
import { isDataFault } from '../postgres/data-fault.ts'
import { createDeliveryReports } from '../postgres/delivery-reports.ts'
import { writeOptOuts } from '../postgres/opt-outs.ts'
import { createProfiles } from '../postgres/profiles.ts'
import { connectRedis, untilRedisReady } from '../redis/connection.ts'
import { createProfileCache, type ProfileCache } from '../redis/profile-cache.ts'
import { createFeedback } from '../services/feedback/feedback.ts'
import type { FeedbackPorts, FeedbackReader } from '../services/feedback/ports.ts'
import { createFeedbackMetrics, type FeedbackMetrics } from '../telemetry/feedback-metrics.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import {
  addressHasher,
  deliverySections,
  openDeliveryInfrastructure,
  sha1,
  type DeliveryInfrastructure,
} from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** A role that starts beside its Redis waits so long for the first connection; then it goes on without. */
const redisPatienceMs = 3_000

/** All of the topic's, so that their small chunks can be merged. */
const partitionsConcurrently = 12
/** One waits for the database while the other computes. */
const chunksConcurrently = 2

/** What the role reads of the configuration besides what opens the infrastructure. */
export const feedbackSections = ['redis', 'addresses'] as const
export type FeedbackConfiguration = Pick<Configuration, (typeof feedbackSections)[number]>

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'feedback',
      sections: [...feedbackSections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        return closingAfter(await startFeedback(opened, own), opened)
      },
    },
    context,
  )
}

export async function startFeedback(
  infrastructure: DeliveryInfrastructure,
  { redis: { url }, addresses: { hashKey } }: FeedbackConfiguration,
): Promise<RoleParts> {
  const { configuration, topics, kafka, producer, consumerMetrics, log, registry, fatal } = infrastructure
  const redis = connectRedis({ url, lost: (code) => log.warn({ code }, 'redis is away') })
  await untilRedisReady(redis, redisPatienceMs)
  const cache = createProfileCache({
    redis,
    keyPrefix: configuration.topics.prefix,
    failed: (operation, code) => log.warn({ operation, code }, 'a profile stays in the cache as it was'),
  })
  const group = topics.group('feedback')
  const metrics = createFeedbackMetrics(registry)
  const feedback = createFeedback(feedbackPorts(infrastructure, { cache, hashKey, metrics, group }))
  const consumer = await startInPlaceConsumer({
    connection: { ...kafka, clientId: `${kafka.clientId}-feedback` },
    groupId: group,
    topics: [topics.feedback],
    sessionTimeoutMs: configuration.consumer.sessionTimeoutMs,
    drainBudgetMs: configuration.consumer.drainBudgetMs,
    chunkSize: configuration.consumer.chunkSize,
    report: consumerTelemetry({ group, metrics: consumerMetrics, log }),
    fatal,
    clock: () => performance.now(),
    partitionsConcurrently,
    handle: mergeChunks({
      handle: (records) => feedback.handle(records),
      recordsMax: configuration.consumer.chunkSize,
      concurrency: chunksConcurrently,
    }),
    deadLetter: async (record, error) => {
      const reason = isDataFault(error) ? 'data_error' : 'internal_error'
      await producer.send([deadLetterRecord(topics.feedbackDeadLetter, record, reason, redactedLine(error))])
      return reason
    },
  })
  return {
    consumers: [consumer],
    close: () => {
      redis.disconnect()
      return Promise.resolve()
    },
  }
}

interface FeedbackParts {
  cache: Pick<ProfileCache, 'store'>
  hashKey: Uint8Array
  metrics: FeedbackMetrics
  group: string
}

function feedbackPorts(
  infrastructure: DeliveryInfrastructure,
  { cache, hashKey, metrics, group }: FeedbackParts,
): FeedbackPorts {
  const { pool, producer, topics, schemas, statusWriter, deliveryMetrics, consumerMetrics } = infrastructure
  const profiles = createProfiles(pool)
  return {
    reader: feedbackReader(schemas),
    rows: createDeliveryReports(pool),
    hygiene: createAddressHygiene(pool),
    writeOptOuts: (optOuts) => writeOptOuts(pool, optOuts),
    refreshProfiles: async (userIds) => {
      await cache.store((await profiles.loadProfiles(userIds)).values())
    },
    publish: (records) => producer.send(records),
    deadLetter: (topic, record, reason) => deadLetterRecord(topic, record, reason, null),
    encodeStatus: (status) => statusWriter.encode(status),
    topics,
    hashAddress: addressHasher(hashKey),
    sha1,
    observe: (observation) => {
      switch (observation.kind) {
        case 'feedback':
          return metrics.reports.inc({ kind: observation.feedbackKind, about: observation.about })
        case 'status': {
          const { status, reason } = observation.status
          return deliveryMetrics.statuses.inc({ status, reason: reason ?? '' })
        }
        case 'suppressed':
          return metrics.suppressions.inc({ channel: observation.channel, cause: observation.cause })
        case 'devices_invalidated':
          return metrics.invalidatedDevices.inc(observation.count)
        case 'dead_letter':
          return consumerMetrics.deadLetters.inc({ group, topic: observation.topic, reason: observation.reason })
      }
    },
  }
}

function feedbackReader(schemas: DeliveryInfrastructure['schemas']): FeedbackReader {
  const reader = createAvroReader({ schemas, records: ['ProviderFeedback'] })
  return {
    decode: async (values) =>
      (await reader.decodeChunk(values)).map((decoded) =>
        decoded.kind === 'poison' ? decoded : { kind: 'feedback', feedback: decoded.value },
      ),
  }
}
