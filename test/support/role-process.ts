/**
 * A role as it really runs: a process of its own, started from src/main.ts, that a test may stop or kill.
 *
 * It dies with the test's process, whatever happens to that. Its log goes to a file; whatever goes wrong here is
 * reported with the end of it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawnOwned, type OwnedProcess } from '../../src/local/stack/owned-process.ts'
import { eventually } from './eventually.ts'

export interface RoleProcess {
  readonly pid: number
  /** Asks the admin port. */
  admin(path: '/metrics' | '/livez' | '/readyz'): Promise<{ status: number; body: string }>
  /** SIGTERM. Resolves when the process has drained and ended with 0; fails on any other end, and after the grace. */
  stop(): Promise<void>
  /** `kill -9`. Resolves when it is gone; to stop it then is not a fault any more. */
  kill(): Promise<void>
  /** Resolves when it has killed itself, as its wiring was told to; that is not a fault. Fails on any other end. */
  killsItself(): Promise<void>
  /** The last lines of its log that were not asked for before. */
  newLogTail(): string
  /** The port of a door, as its log says. */
  port(door: 'gateway' | 'edge' | 'admin'): number
}

export interface RoleOptions {
  /** The role with its flags: `['router', '--lane', 'bulk']`. */
  command: readonly string[]
  /** The FANFARE_* variables; those of this process are not passed on. */
  environment: Readonly<Record<string, string>>
  logFile: string
  /** What runs, from the project's folder. */
  program?: string
}

/** Several may run side by side. */
const anyPorts = { FANFARE_EDGE_PORT: '0', FANFARE_GATEWAY_PORT: '0' }
const projectFolder = join(import.meta.dirname, '../..')
const startLimitMs = 30_000
const killsItselfLimitMs = 40_000
/** More than a role's budgets for draining and leaving together. */
const stopGraceMs = 35_000
const tailLines = 40

/** Starts the role and waits until it says that it is ready: its consumers have their partitions. */
export async function startRole(options: RoleOptions): Promise<RoleProcess> {
  const { command, environment, logFile, program = 'src/main.ts' } = options
  const owned = spawnOwned(
    {
      program: process.execPath,
      arguments: [program, ...command],
      workingDirectory: projectFolder,
      environment: { ...withoutFanfare(process.env), ...anyPorts, ...environment, FANFARE_ADMIN_PORT: '0' },
    },
    { setpriv: 'setpriv', logFile },
  )
  const name = command.join(' ')
  let linesShown = 0
  const logLines = () => readFileSync(logFile, 'utf8').split('\n').slice(0, -1)
  const logTail = () => logLines().slice(-tailLines).join('\n')
  const newLogTail = () => {
    const lines = logLines().slice(linesShown)
    linesShown += lines.length
    return lines.slice(-tailLines).join('\n')
  }
  let ended: Promise<void> | undefined

  async function stop(): Promise<void> {
    if (owned.isRunning()) await owned.end({ signal: 'SIGTERM', graceMs: stopGraceMs })
    assert.deepEqual(await owned.exited, { code: 0, signal: null }, `${name} did not end well:\n${logTail()}`)
  }

  async function kill(): Promise<void> {
    await owned.end({ signal: 'SIGKILL', graceMs: 0 })
    await owned.exited
  }

  async function killsItself(): Promise<void> {
    await eventually(
      () => Promise.resolve(owned.isRunning() ? `${name} still lives:\n${logTail()}` : undefined),
      killsItselfLimitMs,
    )
    assert.deepEqual(await owned.exited, { code: null, signal: 'SIGKILL' }, `${name} ended otherwise:\n${logTail()}`)
  }

  try {
    const port = await announcedPort(name, owned, logTail)
    return {
      pid: owned.pid,
      admin: async (path) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`)
        return { status: response.status, body: await response.text() }
      },
      stop: () => (ended ??= stop()),
      kill: () => (ended ??= kill()),
      killsItself: () => (ended ??= killsItself()),
      newLogTail,
      port: (door) => {
        const line = logLines().find((each) => each.includes(`"${door}Port":`))
        assert.ok(line !== undefined, `${name} has no ${door}`)
        return Number(new RegExp(`"${door}Port":(\\d+)`).exec(line)?.[1])
      },
    }
  } catch (error) {
    await kill()
    throw error
  }
}

/** A role says `running` with the port that it was given once everything is up. */
async function announcedPort(
  name: string,
  owned: Pick<OwnedProcess, 'isRunning'>,
  logTail: () => string,
): Promise<number> {
  let port: string | undefined
  await eventually(async () => {
    assert.ok(owned.isRunning(), `${name} ended before it was ready:\n${logTail()}`)
    port = /^\{.*"adminPort":(\d+)/m.exec(logTail())?.[1]
    return port === undefined ? `${name} is not ready:\n${logTail()}` : undefined
  }, startLimitMs)
  return Number(port)
}

function withoutFanfare(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('FANFARE_')))
}
