/**
 * The local stack: a real Kafka, schema registry, PostgreSQL and Redis as child processes on free ports. Demo, tests
 * and benchmarks run on it; any number of stacks can run side by side on one machine.
 *
 * It begins empty, and ends with the process that started it, even when that one is killed with -9. Only the logs
 * outlive it, below `<directory>/stacks/<id>/logs`.
 */
import { join } from 'node:path'
import { areCached, type Artifacts, fetchArtifacts } from './artifacts.ts'
import { kafkaPart } from './kafka.ts'
import type { UnixUser } from './owned-process.ts'
import { createPart, type Part, type PartDefinition } from './part.ts'
import { findPostgresPackage, installPostgres } from './postgres-binaries.ts'
import { postgresPart, unprivilegedUser } from './postgres.ts'
import {
  ensurePrerequisites,
  locatePrograms,
  type Prerequisite,
  type Programs,
  requireSupportedPlatform,
  type System,
  thisSystem,
} from './prerequisites.ts'
import { redisPart } from './redis.ts'
import { registryPart, registryUrl } from './registry.ts'
import { createStackDirectory, reachableTemporaryDirectory, type StackDirectory } from './stack-directory.ts'
import { type OnStackEvent, type PartName, partNames } from './stack-event.ts'

export interface StackOptions {
  /** The folder for everything the stack writes, kept out of version control; it need not exist. */
  directory: string
  /** Downloads, shared by all stacks; by default `cache` in the folder above. */
  cacheDirectory?: string
  /** The environment to look for programs in (PATH, JAVA_HOME) and to give to Maven and the package manager. */
  environment: Readonly<Record<string, string | undefined>>
  /** Whether missing programs may be installed, which changes the system. */
  mayInstall: boolean
  onEvent?: OnStackEvent
  /** Gives up a start in progress. Has no effect on a stack that is up. */
  signal?: AbortSignal
}

export interface Stack {
  readonly kafka: { brokers: string[] }
  /** The base URL of the registry's Confluent-compatible API. */
  readonly registry: { url: string }
  readonly postgres: { url: string }
  readonly redis: { url: string }
  /** Fanfare's configuration variables for this stack. */
  readonly environment: Readonly<Record<string, string>>
  /** The folder of the logs, one file per part. */
  readonly logs: string
  /** The main processes that run at this moment. */
  processIds(): Partial<Record<PartName, number>>
  /**
   * Ends a part in order (unless it is dead already) and starts it on the same port; returns once it is ready. Kafka,
   * PostgreSQL and Redis find their data again; the registry is empty, and the caller registers its schemas again in
   * the same order and verifies their ids.
   */
  restart(part: PartName): Promise<void>
  /**
   * Sends a signal to a part: SIGKILL for a crash (`restart` brings it back), SIGSTOP and SIGCONT for one that hangs.
   * These three reach all of its processes. After SIGKILL returns when they are gone.
   */
  kill(part: PartName, signal: NodeJS.Signals): Promise<void>
  /** Ends all parts and removes their data; bounded by a few seconds. May be called again. */
  stop(): Promise<void>
  /** The same, blocking the thread: for exit handlers, and for callers that nobody waits for. */
  stopSync(): void
}

/** What the parts are made of, once everything is installed. */
interface Ingredients {
  programs: Programs
  artifacts: Artifacts
  postgresInstallation: string
  postgresUser: UnixUser | undefined
}

interface Parts {
  kafka: Part
  registry: Part
  postgres: Part
  redis: Part
  postgresUrl(port: number): string
}

/** Starts all four parts side by side; StackFault says why that did not succeed, and then nothing is left behind. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const system = thisSystem(options.environment)
  requireSupportedPlatform(system)
  options.signal?.throwIfAborted()
  const postgresUser = await unprivilegedUser()
  const postgresRunsAsOther = postgresUser !== undefined
  const directory = await createStackDirectory({ directory: options.directory, postgresRunsAsOther })
  const givenUp = new AbortController()
  const giveUp = () => givenUp.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', giveUp)
  const run = { directory, signal: givenUp.signal, onEvent: options.onEvent ?? (() => undefined) }
  let parts: Parts | undefined
  try {
    const ingredients = await gatherIngredients(options, { ...run, system, postgresUser })
    parts = createParts(ingredients, run)
    return await startParts(parts, run, {
      stop: () => endParts(parts, givenUp, directory),
      stopSync: () => endPartsSync(parts, givenUp, directory),
    })
  } catch (error) {
    await endParts(parts, givenUp, directory)
    throw error
  } finally {
    options.signal?.removeEventListener('abort', giveUp)
  }
}

interface Run {
  directory: StackDirectory
  signal: AbortSignal
  onEvent: OnStackEvent
}

async function gatherIngredients(
  options: StackOptions,
  run: Run & { system: System; postgresUser: UnixUser | undefined },
): Promise<Ingredients> {
  const { system, postgresUser, signal, onEvent } = run
  const cacheDirectory = options.cacheDirectory ?? join(options.directory, 'cache')
  const logFile = join(run.directory.logs, 'install.log')
  const always: Prerequisite[] = ['java', 'redis-server', 'setpriv']
  const needed = (await areCached(cacheDirectory)) ? always : [...always, 'maven' as const]
  const { environment, mayInstall } = options
  await ensurePrerequisites({ needed, system, mayInstall, environment, logFile, onEvent })
  const artifacts = await fetchArtifacts({ cacheDirectory, system, environment, logFile, onEvent, signal })
  const postgresPackage = await findPostgresPackage(system.architecture)
  const below = postgresUser === undefined ? cacheDirectory : await reachableTemporaryDirectory()
  const postgresInstallation = await installPostgres(postgresPackage, below)
  return { programs: locatePrograms(system), artifacts, postgresInstallation, postgresUser }
}

function createParts(ingredients: Ingredients, { directory, signal, onEvent }: Run): Parts {
  const { programs, artifacts, postgresInstallation, postgresUser } = ingredients
  const { java, redisServer, setpriv } = programs
  const logOf = (name: PartName) => join(directory.logs, `${name}.log`)
  const create = (definition: PartDefinition) =>
    createPart(definition, { setpriv, logFile: logOf(definition.name), onEvent, signal })
  const dataOf = (name: PartName) => join(directory.data, name)
  const postgres = postgresPart({
    installation: postgresInstallation,
    directory: join(directory.postgresParent, 'postgres'),
    user: postgresUser,
    setpriv,
    logFile: logOf('postgres'),
  })
  return {
    kafka: create(kafkaPart({ java, libraries: artifacts.kafkaLibraries, directory: dataOf('kafka') })),
    registry: create(registryPart({ java, jar: artifacts.registryJar, directory: dataOf('registry') })),
    postgres: create(postgres),
    redis: create(redisPart({ redisServer, directory: dataOf('redis') })),
    postgresUrl: (port) => postgres.url(port),
  }
}

async function startParts(parts: Parts, run: Run, end: Pick<Stack, 'stop' | 'stopSync'>): Promise<Stack> {
  const [[kafkaPort], [registryPort = 0], [postgresPort = 0], [redisPort]] = await Promise.all([
    parts.kafka.start(),
    parts.registry.start(),
    parts.postgres.start(),
    parts.redis.start(),
  ])
  const kafka = { brokers: [`127.0.0.1:${kafkaPort}`] }
  const registry = { url: registryUrl(registryPort) }
  const postgres = { url: parts.postgresUrl(postgresPort) }
  const redis = { url: `redis://127.0.0.1:${redisPort}` }
  let stopped: Promise<void> | undefined
  return {
    kafka,
    registry,
    postgres,
    redis,
    environment: {
      FANFARE_KAFKA_BROKERS: kafka.brokers.join(','),
      FANFARE_REGISTRY_URL: registry.url,
      FANFARE_POSTGRES_URL: postgres.url,
      FANFARE_REDIS_URL: redis.url,
    },
    logs: run.directory.logs,
    processIds: () => Object.fromEntries(partNames.map((name) => [name, parts[name].processId()])),
    restart: (part) => parts[part].restart(),
    kill: (part, signal) => parts[part].kill(signal),
    stop: () => (stopped ??= end.stop()),
    stopSync: () => end.stopSync(),
  }
}

async function endParts(parts: Parts | undefined, givenUp: AbortController, directory: StackDirectory): Promise<void> {
  // Starts and restarts in progress would otherwise be waited for.
  givenUp.abort()
  if (parts !== undefined) await Promise.all(partNames.map((name) => parts[name].stop()))
  await directory.removeData()
}

function endPartsSync(parts: Parts | undefined, givenUp: AbortController, directory: StackDirectory): void {
  givenUp.abort()
  if (parts !== undefined) for (const name of partNames) parts[name].stopSync()
  directory.removeDataSync()
}
