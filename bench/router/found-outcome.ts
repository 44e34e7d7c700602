/**
 * What a router has made of the events: counted in the log, on the topics of the channels and on the status topic, each
 * of them read for itself.
 */
import { channels } from '../../src/domain/channel.ts'
import { createAvroReader } from '../../src/kafka/registry/avro-reader.ts'
import { createRegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { createSchemaStore } from '../../src/kafka/registry/schema-store.ts'
import { scanTopic } from '../../src/kafka/topic-scan.ts'
import type { World } from '../world.ts'
import type { Outcome } from './outcome.ts'

export async function foundOutcome(world: World): Promise<Outcome> {
  const [scheduled, deliveries] = await Promise.all([
    countOf(world, 'select count(*)::integer as count from scheduled_notifications'),
    countOf(world, 'select count(*)::integer as count from deliveries'),
  ])
  return {
    log: await logCounts(world),
    commands: await commandCounts(world),
    statuses: await statusCounts(world),
    scheduled,
    deliveries,
  }
}

async function countOf({ database }: World, statement: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(statement)
  return rows[0]?.count ?? 0
}

async function logCounts({ database }: World): Promise<Record<string, number>> {
  const { rows } = await database.query<{ words: string; count: number }>(
    `select concat_ws('/', decision::text, reason) as words, count(*)::integer as count from notifications group by 1`,
  )
  return Object.fromEntries(rows.map(({ words, count }) => [words, count]))
}

async function commandCounts({ admin, topics }: World): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  // One at a time: kafkajs mixes up what several brokers answer side by side about several topics.
  for (const channel of channels) {
    const ends = await admin.fetchTopicOffsets(topics.deliveries(channel, 'bulk'))
    counts[channel] = ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
  }
  return counts
}

async function statusCounts({ kafka, registryUrl, topics }: World): Promise<Record<string, number>> {
  const client = createRegistryClient({ url: registryUrl })
  const schemas = createSchemaStore({ fetchSchema: (id) => client.fetchSchema(id) })
  const reader = createAvroReader({ schemas, records: ['DeliveryStatus'] })
  const counts: Record<string, number> = {}
  await scanTopic({
    connection: kafka,
    topic: topics.deliveryStatus,
    groupId: topics.group('bench'),
    take: async (records) => {
      for (const decoded of await reader.decodeChunk(records.map(({ value }) => value))) {
        if (decoded.kind === 'poison') throw new Error(`the status topic holds what cannot be read: ${decoded.reason}`)
        const { status, reason } = decoded.value
        const words = reason === null ? status : `${status}/${reason}`
        counts[words] = (counts[words] ?? 0) + 1
      }
    },
  })
  return counts
}
