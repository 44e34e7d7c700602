/**
 * Reads what the three parties know: the simulator's ledger, Postgres, and the status topic back through the registry.
 */
import type { TopicNames } from '../../domain/topic-names.ts'
import type { KafkaConnection } from '../../kafka/connection.ts'
import { createAvroReader } from '../../kafka/registry/avro-reader.ts'
import { createRegistryClient, type RegistryConnection } from '../../kafka/registry/registry-client.ts'
import { createSchemaStore } from '../../kafka/registry/schema-store.ts'
import { scanTopic } from '../../kafka/topic-scan.ts'
import type { Evidence, PublishedStatus } from '../../local/reconciliation/evidence.ts'
import type { Ledger } from '../../local/simulator/ledger.ts'
import type { Audit } from '../../postgres/audit.ts'

export interface Witnesses {
  published: Evidence['published']
  reports: Evidence['reports']
  ledger: Ledger
  audit: Audit
  kafka: KafkaConnection
  registry: RegistryConnection
  topics: TopicNames
}

/** To be called when nothing moves any more: the three are read one after the other. */
export async function gatherEvidence(witnesses: Witnesses): Promise<Evidence> {
  const { published, reports, ledger, audit } = witnesses
  return {
    published,
    reports,
    calls: [...ledger.entries()],
    notifications: await collect(audit.notifications()),
    deliveries: await collect(audit.deliveries()),
    statuses: await readStatuses(witnesses),
  }
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

async function readStatuses({
  kafka,
  registry,
  topics,
}: Pick<Witnesses, 'kafka' | 'registry' | 'topics'>): Promise<PublishedStatus[]> {
  const client = createRegistryClient(registry)
  const schemas = createSchemaStore({ fetchSchema: (id) => client.fetchSchema(id) })
  const reader = createAvroReader({ schemas, records: ['DeliveryStatus'] })
  const statuses: PublishedStatus[] = []
  await scanTopic({
    connection: kafka,
    topic: topics.deliveryStatus,
    groupId: topics.group('reconciliation'),
    take: async (records) => {
      for (const decoded of await reader.decodeChunk(records.map(({ value }) => value))) {
        if (decoded.kind === 'poison') throw new Error(`the status topic holds what cannot be read: ${decoded.reason}`)
        // Only what is compared: a million whole records would not fit.
        const { statusId, notificationId, source, deliveryId, channel } = decoded.value
        const { status, reason, plannedDeliveries, automatic } = decoded.value
        const compared = { status, reason, plannedDeliveries, automatic }
        statuses.push({ statusId, notificationId, source, deliveryId, channel, ...compared })
      }
    },
  })
  return statuses
}
