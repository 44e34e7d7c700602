/**
 * The local stack: a real Kafka, schema registry, PostgreSQL and Redis as child processes on free ports. Demo, tests
 * and benchmarks run on it; any number of stacks can run side by side on one machine.
 *
 * It begins empty, and ends with the process that started it, even when that one is killed with -9. Only the logs
 * outlive it, below `<directory>/stacks/<id>/logs`.
 */
import { join } from 'node:path'
import { areCached, type Artifacts, fetchArtifacts } from './artifacts.ts'
import { kafkaParts } from './kafka-brokers.ts'
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
  kafka?: KafkaSettings
  onEvent?: OnStackEvent
  /** Gives up a start in progress. Has no effect on a stack that is up. */
  signal?: AbortSignal
}

export interface KafkaSettings {
  /** One if absent. With three every record lies on all of them, and one may be away. */
  brokerCount?: 1 | 3
  /**
   * The ports of proxies that listen already, one for each broker in order. Clients that come through them are sent to
   * them for everything, so that none gets past its proxy.
   */
  advertisedPorts?: readonly number[]
}

/** One of several brokers, by its node id from 1 on; absent for all of them. */
export interface WhichBroker {
  broker?: number
}

export interface Stack {
  /** `brokers` are reached directly; `behindProxies`, in the same order, is where the proxies must forward to. */
  readonly kafka: { brokers: string[]; behindProxies: string[] }
  /** The base URL of the registry's Confluent-compatible API. */
  readonly registry: { url: string }
  readonly postgres: { url: string }
  readonly redis: { url: string }
  /** Fanfare's configuration variables for this stack. */
  readonly environment: Readonly<Record<string, string>>
  /** The folder of the logs, one file per part. */
  readonly logs: string
  /** The main processes that run at this moment; of several brokers the first. */
  processIds(): Partial<Record<PartName, number>>
  /** Whether all processes of a part run at this moment; one that was stopped with SIGSTOP does. */
  isRunning(part: PartName, which?: WhichBroker): boolean
  /**
   * Ends a part in order (unless it is dead already) and starts it on the same port; returns once it is ready. Kafka,
   * PostgreSQL and Redis find their data again; the registry is empty, and the caller registers its schemas again in
   * the same order and verifies their ids.
   */
  restart(part: PartName, which?: WhichBroker): Promise<void>
  /**
   * Sends a signal to a part: SIGKILL for a crash (`restart` brings it back), SIGSTOP and SIGCONT for one that hangs.
   * These three reach all of its processes. After SIGKILL returns when they are gone.
   */
  kill(part: PartName, signal: NodeJS.Signals, which?: WhichBroker): Promise<void>
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

/** Each part is one process, only Kafka may be several. */
interface Parts extends Record<PartName, readonly Part[]> {
  kafka: readonly [Part, ...Part[]]
  registry: readonly [Part]
  postgres: readonly [Part]
  redis: readonly [Part]
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
    parts = await createParts(ingredients, { ...run, kafka: options.kafka ?? {} })
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

async function createParts(
  ingredients: Ingredients,
  { directory, signal, onEvent, kafka }: Run & { kafka: KafkaSettings },
): Promise<Parts> {
  const { programs, artifacts, postgresInstallation, postgresUser } = ingredients
  const { java, redisServer, setpriv } = programs
  const logOf = (name: string) => join(directory.logs, `${name}.log`)
  const create = (definition: PartDefinition, logName: string = definition.name) =>
    createPart(definition, { setpriv, logFile: logOf(logName), onEvent, signal })
  const dataOf = (name: PartName) => join(directory.data, name)
  const postgres = postgresPart({
    installation: postgresInstallation,
    directory: join(directory.postgresParent, 'postgres'),
    user: postgresUser,
    setpriv,
    logFile: logOf('postgres'),
  })
  const { brokerCount = 1, advertisedPorts } = kafka
  const [first, ...others] = await kafkaParts({
    java,
    libraries: artifacts.kafkaLibraries,
    directory: dataOf('kafka'),
    brokerCount,
    ...(advertisedPorts === undefined ? {} : { advertisedPorts }),
  })
  if (first === undefined) throw new RangeError('a stack needs a broker')
  return {
    kafka: [create(first), ...others.map((broker, index) => create(broker, `kafka-${index + 2}`))],
    registry: [create(registryPart({ java, jar: artifacts.registryJar, directory: dataOf('registry') }))],
    postgres: [create(postgres)],
    redis: [create(redisPart({ redisServer, directory: dataOf('redis') }))],
    postgresUrl: (port) => postgres.url(port),
  }
}

async function startParts(parts: Parts, run: Run, end: Pick<Stack, 'stop' | 'stopSync'>): Promise<Stack> {
  const [brokerPorts, [registryPort = 0], [postgresPort = 0], [redisPort]] = await Promise.all([
    Promise.all(parts.kafka.map((broker) => broker.start())),
    parts.registry[0].start(),
    parts.postgres[0].start(),
    parts.redis[0].start(),
  ])
  const kafka = {
    brokers: brokerPorts.map(([port]) => `127.0.0.1:${port}`),
    behindProxies: brokerPorts.flatMap(([, , port]) => (port === undefined ? [] : [`127.0.0.1:${port}`])),
  }
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
    processIds: () => Object.fromEntries(partNames.map((name) => [name, parts[name][0]?.processId()])),
    isRunning: (part, which) => partsOf(parts, part, which).every((each) => each.processId() !== undefined),
    restart: async (part, which) => {
      await Promise.all(partsOf(parts, part, which).map((each) => each.restart()))
    },
    kill: async (part, signal, which) => {
      await Promise.all(partsOf(parts, part, which).map((each) => each.kill(signal)))
    },
    stop: () => (stopped ??= end.stop()),
    stopSync: () => end.stopSync(),
  }
}

function partsOf(parts: Parts, name: PartName, { broker }: WhichBroker = {}): readonly Part[] {
  if (broker === undefined) return parts[name]
  const part = name === 'kafka' ? parts.kafka[broker - 1] : undefined
  if (part === undefined) throw new RangeError(`there is no broker ${broker} of ${name}`)
  return [part]
}

function allParts(parts: Parts): readonly Part[] {
  return partNames.flatMap((name) => parts[name])
}

async function endParts(parts: Parts | undefined, givenUp: AbortController, directory: StackDirectory): Promise<void> {
  // Starts and restarts in progress would otherwise be waited for.
  givenUp.abort()
  if (parts !== undefined) await Promise.all(allParts(parts).map((part) => part.stop()))
  await directory.removeData()
}

function endPartsSync(parts: Parts | undefined, givenUp: AbortController, directory: StackDirectory): void {
  givenUp.abort()
  if (parts !== undefined) for (const part of allParts(parts)) part.stopSync()
  directory.removeDataSync()
}
