/**
 * What commands need that look after deliveries: the same infrastructure as the roles, for as long as the command takes.
 */
import { processEnvironment, readConfiguration } from '../config.ts'
import {
  deliverySections,
  openDeliveryInfrastructure,
  openInfrastructure,
  sharedSections,
  type DeliveryInfrastructure,
} from '../roles/infrastructure.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { createLogger } from '../telemetry/log.ts'
import { createRegistry } from '../telemetry/metrics.ts'

/** @throws ConfigurationError, DependencyUnavailable, SchemaNotRegistered, MigrationsMissing, or what `work` throws; closed in any case. */
export async function withDeliveryTools<Result>(
  command: string,
  work: (tools: DeliveryInfrastructure) => Promise<Result>,
): Promise<Result> {
  const tools = await openDeliveryTools(command)
  try {
    return await work(tools)
  } finally {
    await tools.close()
  }
}

/** @throws ConfigurationError. */
export function readToolsConfiguration() {
  return readConfiguration(processEnvironment(), [...sharedSections, ...deliverySections])
}

/** @throws as `withDeliveryTools`, with nothing left open. */
export async function openDeliveryTools(command: string): Promise<DeliveryInfrastructure> {
  const configuration = readToolsConfiguration()
  const infrastructure = await openInfrastructure({
    role: command,
    configuration,
    // A command speaks to a person: what goes wrong arrives as an exception, and kafkajs's lines would only bury it.
    log: createLogger({ role: command, level: 'silent' }),
    metricsRegistry: createRegistry({ role: command, version: '' }),
    // Only consumers of roles call it.
    fatal: () => {},
  })
  try {
    const tools = await openDeliveryInfrastructure(infrastructure, configuration, { patienceMs: 0 })
    return {
      ...tools,
      close: async () => {
        await tools.close()
        await infrastructure.close()
      },
    }
  } catch (error) {
    await infrastructure.close()
    throw error
  }
}

/** Reading a day's partition whole may take long. */
const readingTimeoutMs = 120_000

/** For statements that read whole partitions. */
export function openReadingPool(command: string): { pool: HotPathPool; url: string } {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({
    url: postgres.url,
    applicationName: `fanfare-${command}`,
    maxConnections: 2,
    statementTimeoutMs: readingTimeoutMs,
    readsPartitions: true,
  })
  return { pool, url: postgres.url }
}
