/**
 * Fetches Kafka and the registry through Maven into the cache, one folder per version.
 *
 * A folder in the cache is complete by construction: it is filled under another name and renamed at the end, so an
 * interrupted download is never taken for a whole one. Two stacks that start together on an empty cache take turns at
 * Maven (flock; the kernel drops the lock with its holder), the second finds everything in Maven's own repository, and
 * whichever renames last throws its copy away.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Command, spawnOwned } from './owned-process.ts'
import type { System } from './prerequisites.ts'
import type { OnStackEvent } from './stack-event.ts'
import { StackFault } from './stack-fault.ts'
import { waitUntil } from './wait-until.ts'

export interface Artifacts {
  /** Folder of Kafka's jars. */
  kafkaLibraries: string
  /** The registry's runnable jar. */
  registryJar: string
}

export interface FetchOptions {
  cacheDirectory: string
  system: System
  /** For Maven: its own settings, proxies and the home folder with its repository. */
  environment: Readonly<Record<string, string | undefined>>
  logFile: string
  onEvent: OnStackEvent
  signal: AbortSignal
}

/** One folder of the cache, and the Maven goal that fills it. */
export interface Artifact {
  title: string
  directory: string
  pomFile: string
  goal: readonly string[]
  /** An archive among the fetched files, which is unpacked in place and removed. */
  archive?: string
}

const POM_FILE = join(import.meta.dirname, 'pom.xml')
const DRAFT_MARK = '.draft-'
/** A draft this old belongs to a process that was interrupted: no download may take so long. */
const DOWNLOAD_TIMEOUT_MS = 30 * 60_000
const UNPACK_TIMEOUT_MS = 2 * 60_000
const PROGRESS_INTERVAL_MS = 200

/** Whether everything is in the cache, so that Maven and the network are not needed. */
export async function areCached(cacheDirectory: string): Promise<boolean> {
  return (await describeArtifacts(cacheDirectory)).all.every(({ directory }) => existsSync(directory))
}

/** Fetches what the cache lacks and returns where things are; StackFault `download_failed` if that does not succeed. */
export async function fetchArtifacts(options: FetchOptions): Promise<Artifacts> {
  const { all, found } = await describeArtifacts(options.cacheDirectory)
  await fetchMissing(all, options)
  return found
}

/** Fetches those whose folder is not in the cache; StackFault `download_failed` if that does not succeed. */
export async function fetchMissing(artifacts: readonly Artifact[], options: FetchOptions): Promise<void> {
  await mkdir(options.cacheDirectory, { recursive: true })
  await removeOldDrafts(options.cacheDirectory)
  for (const artifact of artifacts) {
    if (!existsSync(artifact.directory)) await fetchArtifact(artifact, options)
  }
}

async function describeArtifacts(cacheDirectory: string): Promise<{ all: Artifact[]; found: Artifacts }> {
  const pom = await readFile(POM_FILE, 'utf8')
  const kafkaVersion = propertyOf(pom, 'kafka.version')
  const registryVersion = propertyOf(pom, 'registry.version')
  const kafka: Artifact = {
    title: `Apache Kafka ${kafkaVersion}`,
    directory: join(cacheDirectory, `kafka-${kafkaVersion}`),
    pomFile: POM_FILE,
    goal: ['dependency:copy-dependencies'],
  }
  const registry: Artifact = {
    title: `Apicurio registry ${registryVersion}`,
    directory: join(cacheDirectory, `apicurio-registry-${registryVersion}`),
    pomFile: POM_FILE,
    goal: ['dependency:copy', `-Dartifact=io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`],
    archive: `apicurio-registry-app-${registryVersion}-all.tar.gz`,
  }
  const registryJar = join(registry.directory, `apicurio-registry-app-${registryVersion}-runner.jar`)
  return { all: [kafka, registry], found: { kafkaLibraries: kafka.directory, registryJar } }
}

async function fetchArtifact(artifact: Artifact, options: FetchOptions): Promise<void> {
  options.onEvent({ kind: 'downloading', artifact: artifact.title })
  const draft = `${artifact.directory}${DRAFT_MARK}${randomBytes(6).toString('hex')}`
  await mkdir(draft)
  try {
    await runMaven([...artifact.goal, `-DoutputDirectory=${draft}`], artifact, options)
    if (artifact.archive !== undefined) await unpack(join(draft, artifact.archive), draft, options)
    await rename(draft, artifact.directory)
  } catch (error) {
    // Another stack renamed its complete copy a moment before.
    if (!existsSync(artifact.directory)) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function runMaven(goal: readonly string[], artifact: Artifact, options: FetchOptions): Promise<void> {
  const lock = join(options.cacheDirectory, '.maven.lock')
  const maven = ['--no-fork', lock, requireProgram('mvn', options), '--batch-mode', '--file', artifact.pomFile, ...goal]
  let seenLength = existsSync(options.logFile) ? readFileSync(options.logFile).length : 0
  await run('flock', maven, DOWNLOAD_TIMEOUT_MS, options, () => {
    const log = readFileSync(options.logFile)
    const files = arrivedFiles(log.subarray(seenLength).toString('utf8'))
    for (const file of files) options.onEvent({ kind: 'fetched', artifact: artifact.title, file })
    // Stops at the last whole line, so that half a line is read again with its rest.
    seenLength = log.lastIndexOf('\n') + 1
  })
}

async function unpack(archive: string, into: string, options: FetchOptions): Promise<void> {
  await run('tar', ['-xzf', archive, '-C', into], UNPACK_TIMEOUT_MS, options, () => undefined)
  await rm(archive)
}

async function run(
  program: string,
  programArguments: readonly string[],
  timeoutMs: number,
  options: FetchOptions,
  onProgress: () => void,
): Promise<void> {
  const command: Command = {
    program: requireProgram(program, options),
    arguments: programArguments,
    workingDirectory: options.cacheDirectory,
    environment: options.environment,
  }
  const child = spawnOwned(command, { setpriv: requireProgram('setpriv', options), logFile: options.logFile })
  const hasEnded = () => {
    onProgress()
    return !child.isRunning()
  }
  try {
    await waitUntil(hasEnded, { timeoutMs, intervalMs: PROGRESS_INTERVAL_MS, signal: options.signal })
  } finally {
    await child.end({ signal: 'SIGTERM', graceMs: PROGRESS_INTERVAL_MS })
  }
  const { code } = await child.exited
  if (code !== 0) throw new StackFault('download_failed', `${basename(program)} failed, see ${options.logFile}`)
}

/** The jars and archives that Maven reports to have arrived; the small descriptions in between are of no interest. */
function arrivedFiles(log: string): string[] {
  return [...log.matchAll(/^(?:\[INFO\] )?Downloaded from \S+ \S*\/(\S+\.(?:jar|tar\.gz)) \(.*\)$/gm)].map(
    ([, file = '']) => file,
  )
}

async function removeOldDrafts(cacheDirectory: string): Promise<void> {
  for (const name of await readdir(cacheDirectory)) {
    if (!name.includes(DRAFT_MARK)) continue
    const path = join(cacheDirectory, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > DOWNLOAD_TIMEOUT_MS) await rm(path, { recursive: true, force: true })
  }
}

function requireProgram(program: string, options: FetchOptions): string {
  const path = options.system.find(program)
  if (path === undefined) throw new StackFault('prerequisite_missing', `missing: ${program}`)
  return path
}

function propertyOf(pom: string, name: string): string {
  const value = new RegExp(`<${name.replaceAll('.', '\\.')}>([^<]+)</`).exec(pom)?.[1]
  if (value === undefined) throw new Error(`${POM_FILE} has no property ${name}`)
  return value
}
