/**
 * What the local stack needs from the system: Java, Redis, setpriv, and Maven while the cache is empty; and Chromium,
 * which only tests of pages need.
 *
 * What is missing is installed if that is allowed and possible (root on a Debian system), and said before it happens;
 * otherwise the fault names each thing together with the command that brings it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, closeSync, constants, openSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findJava, type Java, OLDEST_JAVA_VERSION } from './java.ts'
import type { OnStackEvent } from './stack-event.ts'
import { StackFault } from './stack-fault.ts'

export type Prerequisite = 'java' | 'maven' | 'redis-server' | 'setpriv' | 'chromium' | 'prometheus'

/** The system as the checks see it; a test hands in another one. */
export interface System {
  platform: string
  architecture: string
  isRoot: boolean
  /** The program's absolute path, if it can be run. */
  find(program: string): string | undefined
  findJava(): Java | undefined
}

/** Absolute paths of the programs. */
export interface Programs {
  java: string
  redisServer: string
  setpriv: string
}

const PACKAGE_OF: Record<Prerequisite, { debianPackage: string; name: string }> = {
  java: { debianPackage: 'default-jre-headless', name: `Java ${OLDEST_JAVA_VERSION} or newer` },
  maven: { debianPackage: 'maven', name: 'Maven' },
  'redis-server': { debianPackage: 'redis-server', name: 'redis-server' },
  setpriv: { debianPackage: 'util-linux', name: 'setpriv' },
  chromium: { debianPackage: 'chromium', name: 'Chromium' },
  prometheus: { debianPackage: 'prometheus', name: 'Prometheus with promtool' },
}

/** The system that this process runs on; the environment gives PATH and JAVA_HOME. */
export function thisSystem(environment: Readonly<Record<string, string | undefined>>): System {
  const find = (program: string) =>
    (environment['PATH'] ?? '')
      .split(delimiter)
      .filter((directory) => directory.startsWith('/'))
      .map((directory) => join(directory, program))
      .find(isExecutable)
  return {
    platform: process.platform,
    architecture: process.arch,
    isRoot: process.getuid?.() === 0,
    find,
    findJava: () => findJava({ javaHome: environment['JAVA_HOME'], onPath: find('java') }),
  }
}

/** Fails unless the stack's native parts exist for this kind of machine. */
export function requireSupportedPlatform(system: System): void {
  if (system.platform === 'linux' && ['x64', 'arm64'].includes(system.architecture)) return
  throw new StackFault(
    'unsupported_platform',
    `the local stack runs on Linux (x64 and arm64), not on ${system.platform} (${system.architecture}); ` +
      'start the same four parts with: docker compose up --detach',
  )
}

export interface PrerequisiteOptions {
  needed: readonly Prerequisite[]
  system: System
  mayInstall: boolean
  /** For the package manager. */
  environment: Readonly<Record<string, string | undefined>>
  /** Takes the package manager's output. */
  logFile: string
  onEvent: OnStackEvent
}

/** Makes sure that everything needed is there, installing it if allowed; StackFault names what stays missing. */
export async function ensurePrerequisites(options: PrerequisiteOptions): Promise<void> {
  const { system } = options
  const missing = missingPrerequisites(options.needed, system)
  if (missing.length === 0) return
  const packages = missing.map((prerequisite) => PACKAGE_OF[prerequisite].debianPackage)
  const aptGet = system.find('apt-get')
  if (!options.mayInstall || !system.isRoot || aptGet === undefined) throw missingFault(missing, system)
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  options.onEvent({ kind: 'installing', command: `apt-get update && apt-get ${install.join(' ')}` })
  await runAptGet(aptGet, ['update'], options)
  await runAptGet(aptGet, install, options)
  const stillMissing = missingPrerequisites(options.needed, system)
  if (stillMissing.length > 0) throw missingFault(stillMissing, system)
}

/** The programs by their paths, once the prerequisites are met. */
export function locatePrograms(system: System): Programs {
  const java = system.findJava()?.program
  const redisServer = system.find('redis-server')
  const setpriv = system.find('setpriv')
  if (java === undefined || redisServer === undefined || setpriv === undefined) {
    throw missingFault(missingPrerequisites(['java', 'redis-server', 'setpriv'], system), system)
  }
  return { java, redisServer, setpriv }
}

function missingPrerequisites(needed: readonly Prerequisite[], system: System): Prerequisite[] {
  return needed.filter((prerequisite) => {
    switch (prerequisite) {
      case 'java':
        return system.findJava() === undefined
      case 'maven':
        return system.find('mvn') === undefined
      case 'prometheus':
        return ['prometheus', 'promtool'].some((program) => system.find(program) === undefined)
      case 'redis-server':
      case 'setpriv':
      case 'chromium':
        return system.find(prerequisite) === undefined
    }
  })
}

function missingFault(missing: readonly Prerequisite[], system: System): StackFault {
  const names = missing.map((prerequisite) => PACKAGE_OF[prerequisite].name).join(', ')
  const packages = missing.map((prerequisite) => PACKAGE_OF[prerequisite].debianPackage).join(' ')
  const superuser = system.isRoot ? '' : 'sudo '
  const where = system.find('apt-get') === undefined ? ' (on Debian; elsewhere the packages of the same purpose)' : ''
  const command = `${superuser}apt-get install -y --no-install-recommends ${packages}`
  return new StackFault('prerequisite_missing', `missing: ${names}; install with: ${command}${where}`)
}

/** Not tied to our life as the stack's parts are: a package manager killed half-way leaves the system broken. */
async function runAptGet(
  aptGet: string,
  aptGetArguments: readonly string[],
  { environment, logFile }: PrerequisiteOptions,
): Promise<void> {
  const log = openSync(logFile, 'a')
  const child = spawn(aptGet, aptGetArguments, {
    stdio: ['ignore', log, log],
    env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
  })
  closeSync(log)
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code === 0) return
  throw new StackFault('installation_failed', `apt-get ${aptGetArguments.join(' ')} failed, see ${logFile}`)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
