/**
 * The scheduler: Postgres → requested topics, what waited and is due; and the maintenance of the events' partitions.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import { lanes } from '../domain/channel.ts'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { settlesWithin } from '../kafka/settles-within.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { withMaintenance } from '../postgres/maintenance.ts'
import { createScheduledNotifications } from '../postgres/scheduled-notifications.ts'
import { expiredStatus } from '../services/maintenance/expired-status.ts'
import { createMaintainer, type MaintenanceReport } from '../services/maintenance/maintain.ts'
import { createScheduler } from '../services/scheduler/scheduler.ts'
import { createSchedulerMetrics } from '../telemetry/scheduler-metrics.ts'
import { deliverySections, openDeliveryInfrastructure, sha1, type DeliveryInfrastructure } from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** What schedulers read besides what all roles with deliveries read. */
export const schedulerSections = ['scheduler', 'postgres'] as const
export type SchedulersConfiguration = Pick<Configuration, (typeof schedulerSections)[number]>

/** Reading a day's partition whole may take long. */
const readingTimeoutMs = 120_000
/** Nothing may move a delivery for so long before it is reported. */
const stuckAfterMs = 3_600_000

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'scheduler',
      sections: [...schedulerSections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        return closingAfter(startSchedulers(opened, own), opened)
      },
    },
    context,
  )
}

/** Both lanes in one process: a look at a lane that has nothing due costs one index probe. */
export function startSchedulers(
  infrastructure: DeliveryInfrastructure,
  { scheduler: { pacePerSecond, maintainEveryMs }, postgres }: SchedulersConfiguration,
): RoleParts {
  const scheduled = startResuming(infrastructure, pacePerSecond)
  const maintaining = startMaintaining(infrastructure, { ...postgres, everyMs: maintainEveryMs })
  return { consumers: [scheduled], close: () => maintaining.stop() }
}

function startResuming(infrastructure: DeliveryInfrastructure, pacePerSecond: number): RunningConsumer {
  const { pool, producer, topics, log, registry, configuration } = infrastructure
  const metrics = createSchedulerMetrics(registry)
  const scheduler = createScheduler(
    { lanes, pacePerSecond },
    {
      takeDue: createScheduledNotifications(pool).takeDue,
      publish: (records) => producer.send(records),
      requestedTopic: (lane) => topics.requested(lane),
      clock: () => performance.now(),
      sleep: pause,
      observe: (observation) => {
        const { lane } = observation
        if (observation.kind === 'resumed') {
          metrics.resumptions.inc({ lane }, observation.count)
          return metrics.lateness.observe({ lane }, observation.latestMs / 1_000)
        }
        metrics.failures.inc({ lane })
        return log.warn({ lane, ...faultOf(observation.error) }, 'waiting for a dependency')
      },
    },
  )
  const stopping = new AbortController()
  const ended = scheduler.run(stopping.signal)
  return {
    stop: async () => {
      stopping.abort()
      await settlesWithin(configuration.consumer.drainBudgetMs, ended)
    },
    idleMs: () => scheduler.idleMs(),
  }
}

/** Partitions must be made whatever else goes wrong, so this has a loop and connections of its own. */
function startMaintaining(
  infrastructure: DeliveryInfrastructure,
  { url, everyMs }: { url: string; everyMs: number },
): { stop(): Promise<void> } {
  const { log, producer, topics, statusWriter, now } = infrastructure
  const pool = createHotPathPool({
    url,
    applicationName: 'fanfare-scheduler-maintenance',
    maxConnections: 1,
    statementTimeoutMs: readingTimeoutMs,
    readsPartitions: true,
  })
  const maintainer = createMaintainer()
  const stopping = new AbortController()

  async function round(): Promise<void> {
    await withMaintenance(url, pool, async (maintenance) => {
      const publishExpired: Parameters<typeof maintainer.run>[0]['publishExpired'] = (expired) =>
        producer.send(
          expired.map((row) => ({
            topic: topics.deliveryStatus,
            key: row.notificationId,
            value: statusWriter.encode(expiredStatus(row, now(), sha1)),
            headers: {},
          })),
        )
      tell(await maintainer.run({ ...maintenance, publishExpired }, stuckAfterMs))
    })
  }

  function tell({ partitions, runningOut, expired, stuck }: MaintenanceReport): void {
    const { daysAheadBefore, created, retirement } = partitions
    const summary = { daysAheadBefore, created: created.length, dropped: retirement.dropped.length, expired }
    if (runningOut) log.error(summary, 'day partitions were running out')
    else log.info(summary, 'maintained')
    if (stuck.length > 0) log.error({ stuck: stuck.length }, 'deliveries are stuck: fanfare maintain lists them')
  }

  async function repeat(): Promise<void> {
    while (!stopping.signal.aborted) {
      await round().catch((error: unknown) => log.warn(faultOf(error), 'no maintenance this time'))
      await pause(everyMs, stopping.signal)
    }
  }

  const ended = repeat()
  return {
    stop: async () => {
      stopping.abort()
      await ended
      await pool.close()
    },
  }
}

function faultOf(error: unknown): object {
  if (error instanceof DependencyUnavailable) return { dependency: error.dependency, code: error.code }
  return { err: error }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
