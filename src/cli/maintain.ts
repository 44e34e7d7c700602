/**
 * `fanfare maintain`: partitions ahead and behind, expired deliveries, stuck ones; once, or every so often.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import type { DeliveryInfrastructure } from '../roles/infrastructure.ts'
import { openMaintenance, publishExpired, stuckAfterByDefaultMs } from '../roles/maintenance.ts'
import { openDeliveryTools, readToolsConfiguration } from './delivery-tools.ts'
import { durationArgument } from './event-arguments.ts'
import { maintenanceText } from './maintenance-text.ts'
import { shutdownSignal } from './shutdown-signal.ts'

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
      await withRounds((round) => (every === undefined ? round(stuckAfter) : repeat(() => round(stuckAfter), every)))
    })
}

type Round = (stuckAfterMs: number) => Promise<void>

async function withRounds(work: (round: Round) => Promise<void>): Promise<void> {
  // All of it, so that a fault shows now and not when the first delivery expires.
  const { postgres } = readToolsConfiguration()
  const publisher = createPublisher()
  const maintenance = openMaintenance({
    url: postgres.url,
    applicationName: 'fanfare-maintain',
    publishExpired: publisher.publish,
  })
  try {
    await work(async (stuckAfterMs) => {
      const report = await maintenance.round(stuckAfterMs)
      const text = report === undefined ? 'another process maintains this database now\n' : maintenanceText(report)
      process.stdout.write(text)
    })
  } finally {
    await publisher.close()
    await maintenance.close()
  }
}

/** Kafka and the registry are opened for the first expired delivery: partitions must be made while they are away. */
function createPublisher() {
  let opened: DeliveryInfrastructure | undefined
  return {
    publish: async (expired: readonly StoredDelivery[]) =>
      publishExpired(expired, (opened ??= await openDeliveryTools('maintain'))),
    close: async () => opened?.close(),
  }
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
