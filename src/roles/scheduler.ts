/**
 * The scheduler: Postgres → requested topics, what waited and is due; and the maintenance of the events' partitions.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import { lanes } from '../domain/channel.ts'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { settlesWithin } from '../kafka/settles-within.ts'
import { standardPartitionRange } from '../postgres/partitions.ts'
import { createScheduledNotifications } from '../postgres/scheduled-notifications.ts'
import type { MaintenanceReport } from '../services/maintenance/maintain.ts'
import { createScheduler } from '../services/scheduler/scheduler.ts'
import { createMaintenanceMetrics } from '../telemetry/maintenance-metrics.ts'
import { createSchedulerMetrics } from '../telemetry/scheduler-metrics.ts'
import { deliverySections, openDeliveryInfrastructure, type DeliveryInfrastructure } from './infrastructure.ts'
import { openMaintenance, publishExpired, stuckAfterByDefaultMs } from './maintenance.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** What schedulers read besides what all roles with deliveries read. */
export const schedulerSections = ['scheduler', 'postgres'] as const
export type SchedulersConfiguration = Pick<Configuration, (typeof schedulerSections)[number]>

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
        if (observation.kind === 'looked') return metrics.lastLookTimestamp.setToCurrentTime({ lane })
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
  const { log } = infrastructure
  const maintenance = openMaintenance({
    url,
    applicationName: 'fanfare-scheduler-maintenance',
    publishExpired: (expired) => publishExpired(expired, infrastructure),
  })
  infrastructure.poolMetrics.observe('maintenance', maintenance.connections)
  const metrics = createMaintenanceMetrics(infrastructure.registry)
  const stopping = new AbortController()

  async function round(): Promise<void> {
    const report = await maintenance.round(stuckAfterByDefaultMs)
    if (report !== undefined) tell(report)
  }

  function tell({ partitions, runningOut, expired, forgotten, stuck }: MaintenanceReport): void {
    const { daysAheadBefore, created, retirement } = partitions
    const dropped = retirement.dropped.length
    const summary = { daysAheadBefore, created: created.length, dropped, expired, forgotten }
    const partitionsUntilMs = Date.parse(partitions.today) + (standardPartitionRange.daysAhead + 1) * 86_400_000
    metrics.maintained({ partitionsUntilMs, stuck: stuck.length, expired })
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
      await maintenance.close()
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
