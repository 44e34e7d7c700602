/**
 * The stack that the demo runs on: one of its own, or a running one, on which it keeps to itself with a database and a
 * prefix of its own and removes both at its end. (Subjects of the registry stay, and places in Redis until they expire.)
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../../configuration/environment.ts'
import type { StackKind } from '../../configuration/sections.ts'
import { topicNames, type TopicNames } from '../../domain/topic-names.ts'
import { createKafka } from '../../kafka/connection.ts'
import { withAdmin } from '../../kafka/with-admin.ts'
import type { OnStackEvent } from '../../local/stack/stack-event.ts'
import { startStack } from '../../local/stack/stack.ts'
import { createOwnDatabase } from '../../postgres/own-database.ts'
import { findRunningStack } from '../running-stack.ts'

export interface DemoStack {
  kafka: { brokers: string[] }
  registry: { url: string }
  postgres: { url: string }
  /** Fanfare's variables, the prefix included. */
  environment: Readonly<Record<string, string>>
  topics: TopicNames
  /** Of topics, groups and keys; empty on a stack of its own. */
  prefix: string
  /** The folder for logs. */
  logs: string
  stop(): Promise<void>
}

export interface DemoStackOptions {
  kind: StackKind
  directory: string
  environment: Environment
  onEvent: OnStackEvent
  signal: AbortSignal
}

/** What the demo says when it opens the stack. */
export const openingSentences: Readonly<Record<StackKind, string>> = {
  local: 'starting Kafka, schema registry, PostgreSQL, Redis and the provider simulator (the first time: downloads)',
  docker: 'looking for the containers of docker-compose.yml, and starting the provider simulator',
  external: 'looking for the stack that the environment names, and starting the provider simulator',
}

export async function openDemoStack({ kind, ...options }: DemoStackOptions): Promise<DemoStack> {
  if (kind !== 'local') return shareStack(kind, options)
  const stack = await startStack({ ...options, mayInstall: true })
  const environment = { ...stack.environment, FANFARE_TOPIC_PREFIX: '' }
  return { ...stack, environment, topics: topicNames(), prefix: '' }
}

async function shareStack(
  kind: 'docker' | 'external',
  { directory, environment }: Omit<DemoStackOptions, 'kind'>,
): Promise<DemoStack> {
  const running = await findRunningStack(kind, environment)
  const id = randomBytes(4).toString('hex')
  const prefix = `demo-${id}.`
  const topics = topicNames(prefix)
  const logs = join(directory, `demo-${id}`)
  await mkdir(logs, { recursive: true })
  const database = await createOwnDatabase(running.postgres.url, `fanfare_demo_${id}`)

  async function removeTopics(): Promise<void> {
    const kafka = createKafka({ brokers: running.kafka.brokers, clientId: 'fanfare-demo', log: () => {} })
    await withAdmin(kafka, async (admin) => {
      const there = new Set(await admin.listTopics())
      await admin.deleteTopics({ topics: topics.all().filter((topic) => there.has(topic)) })
    })
  }

  return {
    ...running,
    postgres: { url: database.url },
    environment: { ...running.environment, FANFARE_POSTGRES_URL: database.url, FANFARE_TOPIC_PREFIX: prefix },
    topics,
    prefix,
    logs,
    stop: async () => {
      await Promise.all([removeTopics(), database.drop()])
    },
  }
}
