/**
 * What a deployment does before the roles start: schema of the database, topics, schemas of the records.
 */
import type { TopicNames } from '../../domain/topic-names.ts'
import { createKafka } from '../../kafka/connection.ts'
import { createRegistryClient } from '../../kafka/registry/registry-client.ts'
import { registerSchemas } from '../../kafka/registry/schema-registration.ts'
import { applyTopics } from '../../kafka/topic-administration.ts'
import { readTopicFiles } from '../../kafka/topic-files.ts'
import { topicSchemas } from '../../kafka/topic-schemas.ts'
import { migrate } from '../../postgres/migrate.ts'
import type { DemoStack } from './demo-stack.ts'

/** Throws where anything is refused: on a fresh stack nothing may be. */
export async function applyContracts({ kafka, registry, postgres, topics, prefix }: DemoStack): Promise<void> {
  await Promise.all([
    migrate(postgres.url),
    applyAllTopics(kafka.brokers, prefix),
    registerAllSchemas(registry.url, topics),
  ])
}

async function applyAllTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const wanted = readTopicFiles({ prefix, replicas: 1 })
  const kafka = createKafka({ brokers, clientId: 'fanfare-demo', log: () => {} })
  const { remaining, refused } = await applyTopics(kafka, wanted)
  const [first] = [...refused, ...remaining]
  if (first !== undefined) throw new Error(`the topic ${first.topic} could not be brought to what topics/ says`)
}

async function registerAllSchemas(url: string, topics: TopicNames): Promise<void> {
  const results = await registerSchemas(createRegistryClient({ url }), topicSchemas(topics))
  const bad = results.find(({ kind }) => kind === 'refused' || kind === 'unverified')
  if (bad !== undefined) throw new Error(`the registry did not take ${bad.schema.subject}`)
}
