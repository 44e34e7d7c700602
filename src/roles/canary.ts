/**
 * The canary: sends what is for nobody through everything, every minute, and tells how fresh the last arrival is.
 *
 * A process of its own: what it watches must not be what it runs in. One is enough; several do no harm.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import { canaryAddresses, canaryCategories, canaryDevices, canaryTemplate, canaryUserId } from '../domain/canary.ts'
import { channels, lanes } from '../domain/channel.ts'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { settlesWithin } from '../kafka/settles-within.ts'
import type { HotPathPool } from '../postgres/hot-path-pool.ts'
import { openDatabaseImport } from '../postgres/import.ts'
import { loadDeliveries } from '../postgres/stored-deliveries.ts'
import { publishTemplate } from '../postgres/template-publication.ts'
import { createCanary, type CanaryObservation } from '../services/canary/canary.ts'
import { createCanaryMetrics, type CanaryMetrics } from '../telemetry/canary-metrics.ts'
import type { Logger } from '../telemetry/log.ts'
import { deliverySections, openDeliveryInfrastructure, sha256, type DeliveryInfrastructure } from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

const canarySections = ['canary', ...deliverySections] as const

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'canary',
      sections: canarySections,
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        await addCanary(own.postgres.url, opened.pool)
        return closingAfter(await startCanary(opened, own), opened)
      },
    },
    context,
  )
}

/** Its person, categories and template; repeats change nothing, and what an operator has changed stays so. */
async function addCanary(url: string, pool: HotPathPool): Promise<void> {
  const database = openDatabaseImport(url)
  try {
    await database.addCategories(canaryCategories.map((category) => ({ ...category, listed: false })))
    await database.addPeople([
      {
        userId: canaryUserId,
        email: canaryAddresses.email,
        phoneNumber: canaryAddresses.sms,
        locale: 'en',
        timeZone: 'UTC',
        quietHours: null,
        devices: canaryDevices.map((device) => ({ ...device, token: canaryAddresses[device.platform] })),
        channelSettings: [],
        categorySettings: [],
      },
    ])
  } finally {
    await database.close()
  }
  await publishTemplate(pool, canaryTemplate, 'fanfare canary')
}

async function startCanary(
  infrastructure: DeliveryInfrastructure,
  { canary: { everyMs } }: Pick<Configuration, 'canary'>,
): Promise<RoleParts> {
  const { topics, producer, pool, now, log, registry, configuration } = infrastructure
  const writer = await infrastructure.openRequestWriter()
  const canary = createCanary(everyMs, {
    publish: (lane, event) =>
      producer.send([
        { topic: topics.requested(lane), key: String(event.userId), value: writer.encode(event), headers: {} },
      ]),
    findSent: (deliveryIds) => findSent(pool, deliveryIds),
    newNotificationId: randomUUID,
    sha256,
    now,
    clock: () => performance.now(),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => {})
    },
    observe: canaryTelemetry(createCanaryMetrics(registry), log),
  })
  const stopping = new AbortController()
  const ended = canary.run(stopping.signal)
  const consumer: RunningConsumer = {
    stop: async () => {
      stopping.abort()
      await settlesWithin(configuration.consumer.drainBudgetMs, ended)
    },
    idleMs: canary.idleMs,
  }
  return { consumers: [consumer], close: () => Promise.resolve() }
}

async function findSent(pool: HotPathPool, deliveryIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await loadDeliveries(pool, deliveryIds)
  return new Map(
    [...rows].flatMap(([deliveryId, { state, updatedAtMs }]) =>
      state === 'sent' ? [[deliveryId, updatedAtMs] as const] : [],
    ),
  )
}

function canaryTelemetry(metrics: CanaryMetrics, log: Logger): (observation: CanaryObservation) => void {
  const startedAt = Date.now()
  const newestMs = new Map<string, number>()
  // A freshness that begins now: nothing has arrived, and nothing could have.
  for (const lane of lanes) {
    for (const channel of channels) metrics.lastArrivalTimestamp.set({ lane, channel }, startedAt / 1_000)
  }
  return (observation) => {
    switch (observation.kind) {
      case 'sent_out':
        return log.debug(observation, 'a canary is out')
      case 'arrived': {
        const { lane, channel, createdAtMs, latencyMs } = observation
        const key = `${lane} ${channel}`
        // One that was overtaken does not make the news older.
        newestMs.set(key, Math.max(newestMs.get(key) ?? startedAt, createdAtMs))
        metrics.lastArrivalTimestamp.set({ lane, channel }, (newestMs.get(key) ?? createdAtMs) / 1_000)
        metrics.latency.observe({ lane, channel }, latencyMs / 1_000)
        return metrics.deliveries.inc({ lane, channel, outcome: 'arrived' })
      }
      case 'missing': {
        const { lane, channel, deliveryId } = observation
        metrics.deliveries.inc({ lane, channel, outcome: 'missing' })
        return log.error({ lane, channel, deliveryId }, 'a canary did not arrive')
      }
      case 'unavailable':
        return log.warn(faultOf(observation.error), 'waiting for a dependency')
    }
  }
}

function faultOf(error: unknown): object {
  if (error instanceof DependencyUnavailable) return { dependency: error.dependency, code: error.code }
  return { err: error }
}
