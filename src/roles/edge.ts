/**
 * The edge: the public surface. HTTP → provider-feedback, and what people may change about themselves → Postgres.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import { feedbackKeyOf, type ProviderFeedback } from '../domain/provider-feedback.ts'
import { createHttpServer, listen } from '../http/server.ts'
import { createAvroWriter } from '../kafka/registry/avro-writer.ts'
import { createRegistryClient } from '../kafka/registry/registry-client.ts'
import { subjectOf } from '../kafka/topic-schemas.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { createPersonPreferences } from '../postgres/person-preferences.ts'
import { connectRedis } from '../redis/connection.ts'
import { createProfileCache } from '../redis/profile-cache.ts'
import { registerEdgeRoutes } from '../services/edge/edge.ts'
import { createFeedbackBuffer, defaultBufferLimits } from '../services/edge/feedback-buffer.ts'
import type { EdgeObservation } from '../services/edge/ports.ts'
import { createEdgeMetrics } from '../telemetry/edge-metrics.ts'
import { createHttpMetrics, type HttpMetrics } from '../telemetry/http-metrics.ts'
import { createProfileCacheMetrics } from '../telemetry/profile-cache-metrics.ts'
import type { DeliveryInfrastructure, Infrastructure } from './infrastructure.ts'
import { linkVerifying } from './link-keys.ts'
import type { RoleContext } from './role.ts'
import { runRole, type RoleParts } from './running-role.ts'
import { webhookPorts, webhookSections } from './webhooks.ts'

/** What the edge reads besides what all roles read. */
export const edgeSections = ['registry', 'postgres', 'redis', 'edge', ...webhookSections] as const
export type EdgeConfiguration = Pick<Configuration, (typeof edgeSections)[number]>

/** The database role of migrations/0009-doors.ts. */
const databaseRole = 'fanfare_edge'
/** A person waits for these statements. */
const statementTimeoutMs = 3_000
/** The largest body that comes in is a batch of webhook events, whose routes say so themselves. */
const bodyLimitBytes = 64 * 1024

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'edge',
      sections: edgeSections,
      start: (infrastructure, own) => {
        const { registry } = infrastructure
        const profileCacheMetrics = createProfileCacheMetrics(registry)
        return startEdge({ ...infrastructure, profileCacheMetrics }, own, createHttpMetrics(registry))
      },
    },
    context,
  )
}

export async function startEdge(
  infrastructure: Infrastructure & Pick<DeliveryInfrastructure, 'profileCacheMetrics'>,
  own: EdgeConfiguration,
  httpMetrics: HttpMetrics,
): Promise<RoleParts> {
  const { log, now } = infrastructure
  const publish = await openFeedbackPublisher(infrastructure, own)
  const observe = edgeTelemetry(infrastructure, () => feedback.size())
  const feedback = createFeedbackBuffer(
    { ...defaultBufferLimits, drainBudgetMs: infrastructure.configuration.consumer.drainBudgetMs },
    { publish, sleep: pause, observe },
  )
  const pool = createHotPathPool({
    url: own.postgres.url,
    applicationName: 'fanfare-edge',
    maxConnections: own.postgres.maxConnections,
    statementTimeoutMs,
    role: databaseRole,
    onIdleConnectionLost: (code) => log.warn({ code }, 'an idle database connection was lost'),
  })
  infrastructure.poolMetrics.observe('edge', pool.connections)
  const server = await createHttpServer({
    log,
    bodyLimitBytes,
    trustedProxies: own.edge.trustedProxies,
    observe: ({ route, method, status, durationMs }) => {
      httpMetrics.requests.inc({ route, method, status })
      httpMetrics.duration.observe({ route, method }, durationMs / 1_000)
    },
  })
  const redis = connectRedis({ url: own.redis.url, lost: (code) => log.warn({ code }, 'redis is away') })
  const cache = createProfileCache({
    redis,
    keyPrefix: infrastructure.configuration.topics.prefix,
    failed: (operation) => infrastructure.profileCacheMetrics.failures.inc({ operation }),
  })
  const webhooks = webhookPorts(infrastructure, own, { pool, publish })
  registerEdgeRoutes(server, {
    links: linkVerifying(own.links),
    feedback,
    people: createPersonPreferences(pool),
    forgetProfile: (userId, version) => cache.forget([{ userId, version }]),
    webhooks,
    now,
    observe,
  })
  const listening = await listen(server, own.edge)
  log.info({ edgePort: listening.port }, 'the edge listens')
  return {
    consumers: [],
    close: async () => {
      // First nothing new comes in, then what came in goes out.
      await listening.close()
      await feedback.close()
      await pool.close()
      redis.disconnect()
    },
  }
}

/** @returns what publishes feedback and resolves once Kafka has acknowledged all of it. */
async function openFeedbackPublisher(
  { topics, producer }: Infrastructure,
  { registry }: Pick<EdgeConfiguration, 'registry'>,
): Promise<(feedback: readonly ProviderFeedback[]) => Promise<void>> {
  const writer = await createAvroWriter({
    registry: createRegistryClient(registry.service),
    record: 'ProviderFeedback',
    subject: subjectOf(topics.feedback, 'ProviderFeedback'),
  })
  return (feedback) =>
    producer.send(
      feedback.map((each) => ({
        topic: topics.feedback,
        key: feedbackKeyOf(each),
        value: writer.encode(each),
        headers: {},
      })),
    )
}

function edgeTelemetry(
  { registry, log }: Pick<Infrastructure, 'registry' | 'log'>,
  buffered: () => number,
): (observation: EdgeObservation) => void {
  const metrics = createEdgeMetrics(registry)
  return (observation) => {
    switch (observation.kind) {
      case 'link':
        return metrics.links.inc({ kind: observation.link, outcome: observation.outcome })
      case 'feedback':
        metrics.buffered.set(buffered())
        return metrics.feedback.inc({ kind: observation.feedbackKind, outcome: observation.outcome })
      case 'unavailable': {
        const { fault, attempt } = observation
        return log.warn({ dependency: fault.dependency, code: fault.code, attempt }, 'waiting for a dependency')
      }
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
