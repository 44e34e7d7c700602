/**
 * `fanfare all` as a process of its own, as it would run beside its dependencies. It logs to a file, and ends with the
 * demo even when that is killed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../../configuration/environment.ts'
import { chooseFreePorts } from '../../local/stack/free-port.ts'
import { spawnOwned } from '../../local/stack/owned-process.ts'

export interface RolesProcess {
  /** Throws, with the end of its log, if the process has ended. */
  assertRunning(): void
  /** SIGTERM: drains, commits and publishes what is under way. Throws if it did not end well. Repeats do nothing. */
  end(): Promise<void>
}

export interface RolesProcessOptions {
  /** Its whole environment but for the admin port. */
  environment: Environment
  logFile: string
  signal: AbortSignal
}

const projectFolder = join(import.meta.dirname, '../../..')
const readyLimitMs = 60_000
const readyPollMs = 50
const probeLimitMs = 1_000
/** Above the longest drain that a role takes by default. */
const endGraceMs = 45_000
const logLinesShown = 20

/** Starts it and waits until `/readyz` says so. Throws, and leaves nothing, if it is not ready in a minute. */
export async function startRolesProcess({ environment, logFile, signal }: RolesProcessOptions): Promise<RolesProcess> {
  const [port = 0] = await chooseFreePorts(1)
  const owned = spawnOwned(
    {
      program: process.execPath,
      arguments: ['src/main.ts', 'all', '--admin-port', String(port)],
      workingDirectory: projectFolder,
      environment,
    },
    { setpriv: 'setpriv', logFile },
  )
  const fault = (what: string) => new Error(`fanfare all ${what}; the end of ${logFile}:\n${tailOf(logFile)}`)

  function assertRunning(): void {
    if (!owned.isRunning()) throw fault('ended')
  }

  async function untilReady(): Promise<void> {
    const deadlineMs = performance.now() + readyLimitMs
    while (!(await isReady(port))) {
      signal.throwIfAborted()
      assertRunning()
      if (performance.now() > deadlineMs) throw fault(`is not ready after ${readyLimitMs} ms`)
      await sleep(readyPollMs)
    }
  }

  async function end(): Promise<void> {
    await owned.end({ signal: 'SIGTERM', graceMs: endGraceMs })
    const { code } = await owned.exited
    if (code !== 0) throw fault('did not end well')
  }

  let ending: Promise<void> | undefined
  const roles: RolesProcess = { assertRunning, end: () => (ending ??= end()) }
  try {
    await untilReady()
    return roles
  } catch (error) {
    await owned.end({ signal: 'SIGKILL', graceMs: 0 })
    throw error
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(probeLimitMs) })
    return response.ok
  } catch {
    // It does not listen yet.
    return false
  }
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-logLinesShown).join('\n')
}
