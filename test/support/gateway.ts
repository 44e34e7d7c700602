/**
 * A gateway of a test file's own, in the process of the test: wired by its role on the stack of a pipeline, called over
 * HTTP as a service would.
 *
 * In this process, so that whatever would end a gateway (an exception that nobody catches) ends the test.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readConfiguration } from '../../src/config.ts'
import type { AppScope } from '../../src/domain/app.ts'
import type { RequestChannel } from '../../src/domain/channel.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { createAvroReader } from '../../src/kafka/registry/avro-reader.ts'
import { createRegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { createSchemaStore } from '../../src/kafka/registry/schema-store.ts'
import { gatewaySections, startGateway } from '../../src/roles/gateway.ts'
import {
  deliverySections,
  openDeliveryInfrastructure,
  openInfrastructure,
  sharedSections,
} from '../../src/roles/infrastructure.ts'
import { createHttpMetrics } from '../../src/telemetry/http-metrics.ts'
import { createLogger } from '../../src/telemetry/log.ts'
import { createRegistry } from '../../src/telemetry/metrics.ts'
import type { TestDatabase } from './database.ts'
import type { Pipeline } from './pipeline.ts'
import { readStackEnvironment } from './stack-environment.ts'

export interface TestGateway {
  readonly url: string
  /** Everything that it logged, a line each. */
  readonly log: readonly string[]
  /** The value of a counter, over all of its labels that are given. */
  counted(metric: string, labels?: Readonly<Record<string, string>>): Promise<number>
  stop(): Promise<void>
}

/** @param variables FANFARE_* besides those of the stack and the pipeline. */
export async function startTestGateway(
  { topics, database }: Pick<Pipeline, 'topics' | 'database'>,
  variables: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const { brokers, registryUrl, redisUrl } = readStackEnvironment()
  const environment = {
    FANFARE_KAFKA_BROKERS: brokers.join(','),
    FANFARE_TOPIC_PREFIX: topics.usersChanged.slice(0, -'users.changed'.length),
    FANFARE_REGISTRY_URL: registryUrl,
    FANFARE_POSTGRES_URL: database.url,
    FANFARE_REDIS_URL: redisUrl,
    FANFARE_GATEWAY_PORT: '0',
    FANFARE_ADDRESS_HASH_KEY: randomBytes(32).toString('hex'),
    FANFARE_EDGE_URL: 'https://links.example.com',
    FANFARE_LINK_KEYS: `1:${randomBytes(32).toString('base64')}`,
    ...variables,
  }
  const configuration = readConfiguration(environment, [...sharedSections, ...gatewaySections, ...deliverySections])
  const log: string[] = []
  const registry = createRegistry({ role: 'gateway', version: 'test' })
  const infrastructure = await openInfrastructure({
    role: 'gateway',
    configuration,
    log: createLogger({
      role: 'gateway',
      level: 'info',
      destination: { write: (line: string) => void log.push(line) },
    }),
    metricsRegistry: registry,
    fatal: (error) => {
      throw error
    },
  })
  const opened = await openDeliveryInfrastructure(infrastructure, configuration)
  const gateway = await startGateway(opened, configuration, createHttpMetrics(registry))
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    log,
    counted: async (metric, labels = {}) => {
      const { values = [] } = (await registry.getSingleMetric(metric)?.get()) ?? {}
      const own = values.filter((value) =>
        Object.entries(labels).every(([name, word]) => String(value.labels[name]) === word),
      )
      return own.reduce((sum, { value }) => sum + value, 0)
    },
    stop: async () => {
      await gateway.close()
      await opened.close()
      await infrastructure.close()
    },
  }
}

export interface TestApp {
  appKey: string
  secret: string
  /** Of the `Authorization` header. */
  authorization: string
}

interface AppChoices {
  appKey?: string
  scopes?: readonly AppScope[]
  categories?: readonly string[]
  channels?: readonly RequestChannel[]
  rateLimitPerSecond?: number
}

/** An app as `fanfare app create` makes it. */
export async function insertApp(database: TestDatabase, choices: AppChoices = {}): Promise<TestApp> {
  const { appKey = `app-${randomBytes(4).toString('hex')}`, scopes = ['notifications:send'] } = choices
  const { categories = null, channels = null, rateLimitPerSecond = 10_000 } = choices
  await database.query(
    `insert into apps (app_key, scopes, categories, channels, rate_limit_per_second) values ($1, $2, $3, $4, $5)`,
    [appKey, scopes, categories, channels, rateLimitPerSecond],
  )
  return { appKey, ...(await insertSecret(database, appKey)) }
}

export async function insertSecret(
  database: TestDatabase,
  appKey: string,
  { expiresAt = null }: { expiresAt?: Date | null } = {},
): Promise<Omit<TestApp, 'appKey'>> {
  const secret = randomBytes(32).toString('base64url')
  await database.query(`insert into app_secrets (app_key, secret_hash, expires_at) values ($1, $2, $3)`, [
    appKey,
    createHash('sha256').update(secret).digest(),
    expiresAt,
  ])
  return { secret, authorization: basic(appKey, secret) }
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  // What an answer holds is what the tests are about, so they look into it freely.
  body: Readonly<Record<string, unknown>>
}

export interface Call {
  app?: TestApp
  method?: string
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  raw?: { contentType: string; body: string }
  headers?: Readonly<Record<string, string>>
}

/** One request as a service makes it. */
export async function call({ url }: Pick<TestGateway, 'url'>, path: string, given: Call = {}): Promise<Answer> {
  const { app, json, headers = {} } = given
  const sent = json === undefined ? given.raw : { contentType: 'application/json', body: JSON.stringify(json) }
  const response = await fetch(url + path, {
    method: given.method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: {
      ...(app === undefined ? {} : { authorization: app.authorization }),
      ...(sent === undefined ? {} : { 'content-type': sent.contentType }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent.body }),
  })
  const text = await response.text()
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '') && text !== ''
  const body = isJson ? (JSON.parse(text) as Answer['body']) : {}
  return { status: response.status, headers: response.headers, text, body }
}

/** The refusal that an answer is: its kind, and the fields that it blames. */
export function refusalIn({ status, headers, body }: Answer): { status: number; kind: string; fields: string[] } {
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
  assert.equal(body['status'], status)
  const faults = (body['faults'] ?? []) as { field: string }[]
  return {
    status,
    kind: String(body['type']).replace('urn:fanfare:problem:', ''),
    fields: faults.map(({ field }) => field),
  }
}

export interface PublishedRequest {
  lane: 'transactional' | 'bulk'
  key: string
  value: Uint8Array
  event: NotificationRequested
}

/** Every request on the requested topics, decoded. */
export async function publishedRequests({ topics, read }: Pipeline): Promise<PublishedRequest[]> {
  const registry = createRegistryClient({ url: readStackEnvironment().registryUrl })
  const schemas = createSchemaStore({ fetchSchema: (id) => registry.fetchSchema(id) })
  const reader = createAvroReader({ schemas, records: ['NotificationRequested'] })
  const found: PublishedRequest[] = []
  for (const lane of ['transactional', 'bulk'] as const) {
    const records = await read(topics.requested(lane))
    const decoded = await reader.decodeChunk(records.map(({ value }) => value))
    for (const [index, { key, value }] of records.entries()) {
      const each = decoded[index]
      assert.ok(each !== undefined && each.kind !== 'poison' && value !== null)
      found.push({ lane, key: Buffer.from(key ?? []).toString(), value, event: each.value })
    }
  }
  return found
}
