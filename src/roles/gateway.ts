/**
 * The gateway: HTTP → requested topics, and people's data → Postgres, for services that are known.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import type { NotificationRequested } from '../domain/notification.ts'
import { uuidV7 } from '../domain/uuid-v7.ts'
import { listen } from '../http/server.ts'
import { settlesWithin } from '../kafka/settles-within.ts'
import { loadApps } from '../postgres/apps.ts'
import { createCategories } from '../postgres/categories.ts'
import { createIdempotencyKeys } from '../postgres/idempotency-keys.ts'
import { createNotificationLog } from '../postgres/notification-log.ts'
import { createTimelines } from '../postgres/timeline.ts'
import { createCaps } from '../redis/caps.ts'
import { connectRedis, untilRedisReady } from '../redis/connection.ts'
import { createRequestCounts } from '../redis/request-counts.ts'
import { createAppDirectory } from '../services/gateway/app-directory.ts'
import { boundedPublish } from '../services/gateway/bounded-publish.ts'
import { createGatewayServer } from '../services/gateway/gateway-server.ts'
import type { NotificationPorts } from '../services/gateway/notification-routes.ts'
import { createRequestCounter } from '../services/gateway/request-counter.ts'
import { createRulesCache } from '../services/router/rules-cache.ts'
import { createGatewayMetrics, type GatewayMetrics } from '../telemetry/gateway-metrics.ts'
import { createHttpMetrics, type HttpMetrics } from '../telemetry/http-metrics.ts'
import { peopleAndCataloguePorts } from './gateway-people.ts'
import { deliverySections, openDeliveryInfrastructure, sha1, type DeliveryInfrastructure } from './infrastructure.ts'
import { packageVersion } from './package-version.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** What gateways read besides what all roles with deliveries read. */
export const gatewaySections = ['gateway', 'redis', 'addresses', 'links'] as const
export type GatewayConfiguration = Pick<Configuration, (typeof gatewaySections)[number]>

/** How long the start waits for Redis, which counts for rate limits. */
const redisPatienceMs = 3_000

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'gateway',
      sections: [...gatewaySections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        return closingAfter(await startGateway(opened, own, createHttpMetrics(infrastructure.registry)), opened)
      },
    },
    context,
  )
}

export async function startGateway(
  infrastructure: DeliveryInfrastructure,
  { gateway, redis: { url }, addresses: { hashKey }, links }: GatewayConfiguration,
  httpMetrics: HttpMetrics,
): Promise<RoleParts & { port: number }> {
  const { log, pool, now, configuration, registry } = infrastructure
  const metrics = createGatewayMetrics(registry)
  const redis = connectRedis({ url, lost: (code) => log.warn({ code }, 'redis is away') })
  await untilRedisReady(redis, redisPatienceMs)
  const keyPrefix = configuration.topics.prefix
  const clock = () => performance.now()
  const publish = boundedPublish((records) => infrastructure.producer.send(records))
  const server = await createGatewayServer({
    version: packageVersion(),
    http: {
      log,
      trustedProxies: gateway.trustedProxies,
      observe: ({ route, method, status, durationMs }) => {
        httpMetrics.requests.inc({ route, method, status })
        httpMetrics.duration.observe({ route, method }, durationMs / 1_000)
      },
    },
    authentication: {
      apps: createAppDirectory({ loadApps: () => loadApps(pool), clock, sleep }),
      now,
      observe: (outcome) => metrics.authentications.inc({ outcome }),
    },
    counter: createRequestCounter({
      countTogether: createRequestCounts({ redis, keyPrefix }).count,
      clock,
      countedAlone: () => metrics.countedAlone.inc(),
    }),
    routes: {
      notifications: await notificationPorts(infrastructure, {
        metrics,
        caps: createCaps({ redis, keyPrefix, failed: (operation, code) => log.warn({ operation, code }, 'no caps') }),
        publish,
      }),
      ...peopleAndCataloguePorts(infrastructure, { redis, hashKey, links, publish }),
    },
  })
  const listening = await listen(server, gateway)
  log.info({ gatewayPort: listening.port }, 'the gateway listens')
  return {
    consumers: [],
    port: listening.port,
    close: async () => {
      // What is under way waits for Kafka within limits of its own; the producer closes after this.
      await settlesWithin(configuration.consumer.drainBudgetMs, listening.close())
      redis.disconnect()
    },
  }
}

interface NotificationParts {
  metrics: GatewayMetrics
  caps: ReturnType<typeof createCaps>
  publish: ReturnType<typeof boundedPublish>
}

async function notificationPorts(
  infrastructure: DeliveryInfrastructure,
  { metrics, caps, publish }: NotificationParts,
): Promise<NotificationPorts> {
  const { pool, topics, statusWriter, now } = infrastructure
  const requestWriter = await infrastructure.openRequestWriter()
  const timelines = createTimelines(pool)
  const categories = createRulesCache({
    load: createCategories(pool).loadCategories,
    clock: () => performance.now(),
  })
  return {
    send: {
      loadCategories: categories.load,
      encode: (event: NotificationRequested) => requestWriter.encode(event),
      publish,
      topics,
      newId: (unixMs) => uuidV7(unixMs, randomBytes(10)),
      now,
      observe: ({ outcome, count }) => metrics.notifications.inc({ outcome }, count),
    },
    keys: keysThatTell(infrastructure),
    find: timelines,
    cancel: {
      log: createNotificationLog(pool),
      caps,
      encodeStatus: (status) => statusWriter.encode(status),
      topics,
      sha1,
      now,
      observe: () => {},
      loadTimeline: timelines.loadTimeline,
      publish,
    },
  }
}

/** An answer that could not be kept costs a repeat of the publishing, and nobody else would hear of it. */
function keysThatTell({ pool, log }: Pick<DeliveryInfrastructure, 'pool' | 'log'>): NotificationPorts['keys'] {
  const keys = createIdempotencyKeys(pool)
  return {
    ...keys,
    answer: async (name, answer) => {
      try {
        await keys.answer(name, answer)
      } catch (error) {
        log.warn({ err: error }, 'the answer of an idempotency key was not kept')
        throw error
      }
    },
  }
}
