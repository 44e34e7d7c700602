/**
 * `fanfare maintain`: partitions ahead and behind, expired deliveries, stuck ones; once, or every so often.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import { withMaintenance } from '../postgres/maintenance.ts'
import { sha1, type DeliveryInfrastructure } from '../roles/infrastructure.ts'
import { expiredStatus } from '../services/maintenance/expired-status.ts'
import { createMaintainer } from '../services/maintenance/maintain.ts'
import { openDeliveryTools, openReadingPool, readToolsConfiguration } from './delivery-tools.ts'
import { durationArgument } from './event-arguments.ts'
import { maintenanceText } from './maintenance-text.ts'
import { shutdownSignal } from './shutdown-signal.ts'

const stuckAfterByDefaultMs = 3_600_000

interface MaintainFlags {
  every?: number
  stuckAfter: number
}

export function maintainCommand(): Command {
  return new Command('maintain')
    .description('create partitions ahead, drop old ones, settle what is long expired, report what is stuck')
    .option('--every <duration>', 'again and again until SIGTERM: 60s, 10m', durationArgument)
    .option(
      '--stuck-after <duration>',
      'how long nothing must have moved a delivery',
      durationArgument,
      stuckAfterByDefaultMs,
    )
    .addHelpText(
      'after',
      '\nOne at a time for each database: a second one waits for its next turn. Reads the days’ deliveries whole.\n\nExamples:\n  fanfare maintain\n  fanfare maintain --every 10m --stuck-after 2h',
    )
    .action(async ({ every, stuckAfter }: MaintainFlags) => {
      // All of it, so that a fault shows now and not when the first delivery expires.
      readToolsConfiguration()
      if (every === undefined) await withRounds((round) => round(stuckAfter))
      else await withRounds((round) => repeat(() => round(stuckAfter), every))
    })
}

type Round = (stuckAfterMs: number) => Promise<void>

async function withRounds(work: (round: Round) => Promise<void>): Promise<void> {
  const { pool, url } = openReadingPool('maintain')
  const publisher = createPublisher()
  const maintainer = createMaintainer()
  try {
    await work(async (stuckAfterMs) => {
      const isOurs = await withMaintenance(url, pool, async (maintenance) => {
        const report = await maintainer.run({ ...maintenance, publishExpired: publisher.publish }, stuckAfterMs)
        process.stdout.write(maintenanceText(report))
      })
      if (!isOurs) process.stdout.write('another process maintains this database now\n')
    })
  } finally {
    await publisher.close()
    await pool.close()
  }
}

/** Kafka and the registry are opened for the first expired delivery: partitions must be made while they are away. */
function createPublisher() {
  let opened: DeliveryInfrastructure | undefined

  async function publish(expired: readonly StoredDelivery[]): Promise<void> {
    const { producer, topics, statusWriter } = (opened ??= await openDeliveryTools('maintain'))
    await producer.send(
      expired.map((row) => ({
        topic: topics.deliveryStatus,
        key: row.notificationId,
        value: statusWriter.encode(expiredStatus(row, Date.now(), sha1)),
        headers: {},
      })),
    )
  }

  return { publish, close: async () => opened?.close() }
}

/** A dependency that is away costs a round and not the process. */
async function repeat(round: () => Promise<void>, everyMs: number): Promise<void> {
  const signal = shutdownSignal()
  while (!signal.aborted) {
    try {
      await round()
    } catch (error) {
      if (!(error instanceof DependencyUnavailable)) throw error
      process.stderr.write(`fanfare: ${error.message}; trying again in ${everyMs / 1_000} s\n`)
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
}
