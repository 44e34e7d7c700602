/**
 * The frame of every role: configuration, log, metrics, admin server, and the order in which all of it starts and stops.
 */
import { readConfiguration, type Configuration, type SectionName } from '../config.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { startAdminServer } from '../telemetry/admin-server.ts'
import { createLogger } from '../telemetry/log.ts'
import { createRegistry } from '../telemetry/metrics.ts'
import { followLevelSignal } from './log-level.ts'
import { openInfrastructure, sharedSections, type Infrastructure } from './infrastructure.ts'
import { packageVersion } from './package-version.ts'
import type { RoleContext } from './role.ts'

/** Liveness: no fetch and no heartbeat for so many sessions means that the consumer is dead, whatever it says. */
const silentSessionsMax = 3

export interface RoleParts {
  consumers: RunningConsumer[]
  /** Closes what the role opened besides its consumers; after they have stopped. */
  close(): Promise<void>
}

/** The parts, closed together with what they stand on, which closes last. */
export function closingAfter(parts: RoleParts, base: { close(): Promise<void> }): RoleParts {
  return {
    ...parts,
    close: async () => {
      await parts.close()
      await base.close()
    },
  }
}

export interface RoleDefinition<Section extends SectionName> {
  role: string
  /** What it reads besides the sections that all roles share. */
  sections: readonly Section[]
  start(infrastructure: Infrastructure, own: Pick<Configuration, Section>): Promise<RoleParts>
}

/**
 * Runs a role until `shutdown` aborts or something fatal happens.
 * @throws ConfigurationError, or whatever was fatal, after everything was stopped.
 */
export async function runRole<Section extends SectionName>(
  { role, sections, start }: RoleDefinition<Section>,
  { environment, shutdown }: RoleContext,
): Promise<void> {
  // In one call, so that every fault of the configuration is told at once.
  const configuration = readConfiguration(environment, [...sharedSections, ...sections])
  const level = followLevelSignal(configuration.log.level, (now) =>
    log.warn({ logLevel: now }, 'the log level was changed'),
  )
  const log = createLogger({ role, level: level.now })
  const metricsRegistry = createRegistry({ role, version: packageVersion() })
  const failure = Promise.withResolvers<never>()
  // Whoever awaits it later still gets it; unhandled in between it would end the process without a drain.
  failure.promise.catch(() => {})
  let state: 'starting' | 'running' | 'stopping' = 'starting'
  let consumers: RunningConsumer[] = []
  const silentMaxMs = silentSessionsMax * configuration.consumer.sessionTimeoutMs
  const admin = await startAdminServer({
    ...configuration.admin,
    registry: metricsRegistry,
    live: () => {
      const idleMs = Math.max(0, ...consumers.map((consumer) => consumer.idleMs()))
      return { ok: idleMs <= silentMaxMs, detail: `last heartbeat ${Math.round(idleMs)} ms ago` }
    },
    ready: () => ({ ok: state === 'running', detail: state }),
  })
  const opened: { close(): Promise<void> }[] = [{ close: () => admin.stop() }]
  try {
    const infrastructure = await openInfrastructure({
      role,
      configuration,
      log,
      metricsRegistry,
      fatal: (error) => failure.reject(error),
    })
    opened.push(infrastructure)
    const parts = await Promise.race([start(infrastructure, configuration), failure.promise])
    opened.push(parts)
    consumers = parts.consumers
    state = 'running'
    log.info({ adminPort: admin.port }, 'running')
    await Promise.race([aborted(shutdown), failure.promise])
  } finally {
    state = 'stopping'
    log.info('stopping')
    await Promise.all(consumers.map((consumer) => consumer.stop()))
    for (const each of opened.toReversed()) await each.close()
    level.stop()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
