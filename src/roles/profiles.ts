/**
 * The profiles role: users.changed → people and devices in Postgres, and their profiles in Redis.
 */
import type { Configuration } from '../config.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startInPlaceConsumer } from '../kafka/in-place-consumer.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { isDataFault } from '../postgres/data-fault.ts'
import { createPeople } from '../postgres/people.ts'
import { connectRedis, untilRedisReady } from '../redis/connection.ts'
import { handleChanges } from '../services/profiles/profiles.ts'
import type { DecodedChange, ProfilesPorts } from '../services/profiles/ports.ts'
import { createProfilesMetrics } from '../telemetry/profiles-metrics.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import { deliverySections, openDeliveryInfrastructure, type DeliveryInfrastructure } from './infrastructure.ts'
import { peoplePorts, type Redis } from './people.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** A role that starts beside its Redis waits so long for the first connection; then it goes on without. */
const redisPatienceMs = 3_000

/** What it reads of the configuration, beside what opens the infrastructure. */
export const profilesSections = ['redis'] as const
export type ProfilesConfiguration = Pick<Configuration, (typeof profilesSections)[number]>

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'profiles',
      sections: [...profilesSections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        return closingAfter(await startProfiles(opened, own), opened)
      },
    },
    context,
  )
}

export async function startProfiles(
  infrastructure: DeliveryInfrastructure,
  { redis: { url } }: ProfilesConfiguration,
): Promise<RoleParts> {
  const { log } = infrastructure
  const redis = connectRedis({ url, lost: (code) => log.warn({ code }, 'redis is away') })
  await untilRedisReady(redis, redisPatienceMs)
  const consumer = await startConsumer(infrastructure, profilesPorts(infrastructure, redis))
  return {
    consumers: [consumer],
    close: async () => {
      redis.disconnect()
    },
  }
}

function startConsumer(infrastructure: DeliveryInfrastructure, ports: ProfilesPorts): Promise<RunningConsumer> {
  const { configuration, topics, kafka, producer, consumerMetrics, log, fatal } = infrastructure
  const group = topics.group('profiles')
  return startInPlaceConsumer({
    connection: { ...kafka, clientId: `${kafka.clientId}-profiles` },
    groupId: group,
    topics: [topics.usersChanged],
    sessionTimeoutMs: configuration.consumer.sessionTimeoutMs,
    drainBudgetMs: configuration.consumer.drainBudgetMs,
    chunkSize: configuration.consumer.chunkSize,
    report: consumerTelemetry({ group, metrics: consumerMetrics, log }),
    fatal,
    clock: () => performance.now(),
    handle: (records) => handleChanges(records, ports),
    deadLetter: async (record, error) => {
      const reason = isDataFault(error) ? 'data_error' : 'internal_error'
      await producer.send([deadLetterRecord(topics.usersChangedDeadLetter, record, reason, redactedLine(error))])
      return reason
    },
  })
}

function profilesPorts(infrastructure: DeliveryInfrastructure, redis: Redis): ProfilesPorts {
  const { pool, producer, schemas, topics, consumerMetrics, registry } = infrastructure
  const people = createPeople(pool)
  const metrics = createProfilesMetrics(registry)
  return {
    decode: changeDecoder(schemas),
    change: (changes) => people.change(changes),
    ...peoplePorts(infrastructure, { people, redis, publish: (records) => producer.send(records) }),
    deadLetter: (record, reason, error) => deadLetterRecord(topics.usersChangedDeadLetter, record, reason, error),
    publish: (records) => producer.send(records),
    observe: (observation) => {
      if (observation.kind === 'dead_letter') {
        const { reason } = observation
        return consumerMetrics.deadLetters.inc({ group: topics.group('profiles'), topic: topics.usersChanged, reason })
      }
      const { written, stale, erased } = observation
      metrics.changes.inc({ outcome: 'written' }, written)
      metrics.changes.inc({ outcome: 'stale' }, stale)
      metrics.changes.inc({ outcome: 'erased' }, erased)
    },
  }
}

function changeDecoder(schemas: DeliveryInfrastructure['schemas']): ProfilesPorts['decode'] {
  const reader = createAvroReader({ schemas, records: ['UserChanged'] })
  return async (values) =>
    (await reader.decodeChunk(values)).map((decoded): DecodedChange =>
      decoded.kind === 'poison' ? decoded : { kind: 'changed', change: decoded.value },
    )
}
