/**
 * A role as it really runs, in the hands of somebody who means it harm: started, killed, asked to end, frozen, thawed.
 *
 * What ends by itself is started again after a moment, as an orchestrator would, and counted: a role may leave it to its
 * restart to get over a fault, but it must not do so unseen.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { spawnOwned, type OwnedProcess } from '../../../src/local/stack/owned-process.ts'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'

export interface RoleSpec {
  /** What the harness calls it: `router`, `sender-sms`, `router-2`. */
  name: string
  /** The role with its flags: `['router', '--lane', 'bulk']`. */
  command: readonly string[]
  /** FANFARE_* variables on top of those that all roles have. */
  environment?: Readonly<Record<string, string>>
  /** What runs, from the project's folder; `src/main.ts` if absent. */
  program?: string
  /**
   * The points at which its launches kill themselves, one after the other; later ones live. Only the wiring of faults
   * knows how (wiring/main.ts).
   */
  crashesAt?: readonly string[]
}

export interface SupervisedRole {
  readonly name: string
  /** Starts it and returns once it has its partitions. */
  start(): Promise<void>
  /** Returns once the last launch has its partitions; rejects when that takes too long. */
  ready(): Promise<void>
  /** `kill -9`; it stays down until `start`. */
  kill(): Promise<void>
  /** SIGTERM; returns when it has ended. How it ended is kept in `endings`. It stays down until `start`. */
  terminate(): Promise<Ending>
  /** SIGSTOP: it holds everything and does nothing. */
  freeze(): void
  /** SIGCONT. */
  thaw(): void
  isRunning(): boolean
  /** `/metrics` of its admin port. */
  metrics(): Promise<string>
  /** What it says of itself on `/livez`; rejects where nobody answers. */
  health(): Promise<{ ok: boolean; detail: string }>
  /** How often it ended by itself. */
  unplannedEnds(): number
  /** The points at which it has killed itself, as it was meant to. */
  crashes(): readonly string[]
  /** The last lines of its newest log. */
  logTail(lines?: number): string
}

/** How a role that was asked to end did so. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  elapsedMs: number
}

export interface SupervisionOptions {
  /** Where src/main.ts lies: this checkout, or a copy with a mutation. */
  projectFolder: string
  /** The FANFARE_* variables; those of this process are not passed on. */
  environment: Readonly<Record<string, string>>
  logFolder: string
  /** Told when a role has killed itself as it was meant to; it is started again after that. */
  crashed(role: string): Promise<void>
}

const startLimitMs = 90_000
/** More than a role's budgets for draining and leaving together. */
const endGraceMs = 45_000
const restartBackoffMs = 1_000

export function superviseRole(spec: RoleSpec, options: SupervisionOptions): SupervisedRole {
  let current: { owned: OwnedProcess; logFile: string } | undefined
  let launches = 0
  let unplanned = 0
  const crashes: string[] = []

  function launch(): void {
    const crashAt = spec.crashesAt?.[launches]
    launches += 1
    const logFile = join(options.logFolder, `${spec.name}-${launches}.log`)
    const owned = spawnOwned(
      {
        program: process.execPath,
        arguments: [join(options.projectFolder, spec.program ?? 'src/main.ts'), ...spec.command],
        workingDirectory: options.projectFolder,
        environment: {
          ...withoutFanfare(process.env),
          NODE_COMPILE_CACHE: join(options.projectFolder, '.fanfare/compile-cache'),
          ...options.environment,
          ...spec.environment,
          ...(crashAt === undefined ? {} : { FAULTS_CRASH_AT: crashAt }),
          FANFARE_ADMIN_PORT: '0',
        },
      },
      { setpriv: 'setpriv', logFile },
    )
    const launched = { owned, logFile }
    current = launched
    void owned.exited.then(async ({ signal }) => {
      // Whoever ends it on purpose takes it out of `current` first.
      if (current !== launched) return
      if (crashAt !== undefined && signal === 'SIGKILL') {
        await options.crashed(spec.name)
        crashes.push(crashAt)
      } else unplanned += 1
      await wait(restartBackoffMs, undefined, { ref: false })
      if (current === launched) launch()
    })
  }

  /** From the log line that says that everything is up. */
  function adminPort(): number | undefined {
    const port =
      current === undefined ? undefined : /^\{.*"adminPort":(\d+)/m.exec(readFileSync(current.logFile, 'utf8'))
    return port === null || port === undefined ? undefined : Number(port[1])
  }

  async function ready(): Promise<void> {
    const started = await waitUntil(() => adminPort() !== undefined, { timeoutMs: startLimitMs })
    if (!started.met) throw new Error(`${spec.name} is not ready within ${startLimitMs} ms:\n${logTail()}`)
  }

  async function end(signal: NodeJS.Signals, graceMs: number): Promise<Ending> {
    const ending = current?.owned
    current = undefined
    if (ending === undefined) throw new Error(`${spec.name} does not run`)
    const startedMs = performance.now()
    await ending.end({ signal, graceMs })
    return { ...(await ending.exited), elapsedMs: performance.now() - startedMs }
  }

  function logTail(lines = 25): string {
    if (launches === 0) return ''
    const logFile = current?.logFile ?? join(options.logFolder, `${spec.name}-${launches}.log`)
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  return {
    name: spec.name,
    start: async () => {
      launch()
      await ready()
    },
    ready,
    kill: async () => {
      await end('SIGKILL', 0)
    },
    terminate: () => end('SIGTERM', endGraceMs),
    freeze: () => current?.owned.signal('SIGSTOP'),
    thaw: () => current?.owned.signal('SIGCONT'),
    isRunning: () => current?.owned.isRunning() ?? false,
    metrics: async () => (await fetch(`http://127.0.0.1:${adminPort() ?? 0}/metrics`)).text(),
    health: async () => {
      const answer = await fetch(`http://127.0.0.1:${adminPort() ?? 0}/livez`)
      return (await answer.json()) as { ok: boolean; detail: string }
    },
    unplannedEnds: () => unplanned,
    crashes: () => crashes,
    logTail,
  }
}

function withoutFanfare(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('FANFARE_')))
}
