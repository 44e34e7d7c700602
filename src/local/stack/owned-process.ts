/**
 * Child processes that never outlive the process that started them, not even when that one is killed with -9: the
 * kernel itself kills them (PR_SET_PDEATHSIG, set by setpriv).
 *
 * Two hazards shape the command line. The kernel forgets the setting when a process changes its user, so setpriv
 * changes the user first and asks for the signal after it (util-linux does so in one call; a test looks). And the
 * signal is tied to the parent's *thread*, so only the main thread may start children. A parent that dies before
 * setpriv has asked is noticed by the shell in between, which then finds another parent and starts nothing.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { descendantsOf, identifyProcess, mayBeAlive, type ProcessIdentity } from './process-table.ts'
import { waitUntil, waitUntilSync } from './wait-until.ts'

export interface Command {
  /** Absolute path of the program. */
  program: string
  arguments: readonly string[]
  workingDirectory: string
  environment: Readonly<Record<string, string | undefined>>
  /** The user to run as, when that is another one than ours. */
  user?: UnixUser
}

export interface UnixUser {
  userId: number
  groupId: number
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface OwnedProcess {
  readonly pid: number
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<Exit>
  isRunning(): boolean
  /** STOP, CONT and KILL go to the process and all its descendants, any other signal to the process alone. */
  signal(signal: NodeJS.Signals): void
  /** Asks it to end with the signal, kills it when the grace is over; returns when it and its descendants are gone. */
  end(how: Ending): Promise<void>
  /** The same, blocking the thread. */
  endSync(how: Ending): void
}

export interface Ending {
  signal: NodeJS.Signals
  graceMs: number
}

/** Time for the kernel to take a killed process off the table, a large heap included. */
const KILLED_GONE_TIMEOUT_MS = 10_000

const SIGNALS_OF_THE_WHOLE_TREE: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGKILL'])

/** Starts the command with its output appended to the log file. Must run on the main thread. */
export function spawnOwned(command: Command, output: { setpriv: string; logFile: string }): OwnedProcess {
  if (!isMainThread) throw new Error('a child started from a worker thread would die with that thread')
  const log = openSync(output.logFile, 'a')
  const child = spawn(output.setpriv, [...dieWithParent(command.user), command.program, ...command.arguments], {
    cwd: command.workingDirectory,
    env: command.environment,
    stdio: ['ignore', log, log],
    // A session of its own: Ctrl-C in the terminal reaches the owner alone, which then ends its parts in order.
    detached: true,
  })
  closeSync(log)
  const { promise: exited, resolve: onExit } = Promise.withResolvers<Exit>()
  child.once('exit', (code, signal) => onExit({ code, signal }))
  child.once('error', () => onExit({ code: null, signal: null }))
  if (child.pid === undefined) throw new Error(`${output.setpriv} could not be started`)
  const pid: number = child.pid

  const isRunning = () => child.exitCode === null && child.signalCode === null

  function signal(name: NodeJS.Signals): void {
    if (!isRunning()) return
    const tree = SIGNALS_OF_THE_WHOLE_TREE.has(name) ? processTree(pid) : []
    child.kill(name)
    for (const descendant of tree) send(name, descendant)
  }

  /** Asks it to end; returns what has to be gone for the end to be complete. */
  function ask(toEnd: NodeJS.Signals): ProcessIdentity[] {
    const descendants = processTree(pid)
    const self = identifyProcess(pid)
    signal(toEnd)
    // A paused process answers only after it has been woken; one to be killed must not do anything more.
    if (toEnd !== 'SIGKILL') signal('SIGCONT')
    return self === undefined ? descendants : [self, ...descendants]
  }

  async function end(how: Ending): Promise<void> {
    const tree = ask(how.signal)
    const gone = () => !isRunning() && !tree.some(mayBeAlive)
    if ((await waitUntil(gone, { timeoutMs: how.graceMs })).met) return
    for (const member of tree) send('SIGKILL', member)
    const killed = await waitUntil(gone, { timeoutMs: KILLED_GONE_TIMEOUT_MS })
    if (!killed.met) throw new Error(`process ${pid} survives being killed`)
  }

  function endSync(how: Ending): void {
    const tree = ask(how.signal)
    const gone = () => !tree.some(mayBeAlive)
    if (waitUntilSync(gone, { timeoutMs: how.graceMs })) return
    for (const member of tree) send('SIGKILL', member)
    waitUntilSync(gone, { timeoutMs: KILLED_GONE_TIMEOUT_MS })
  }

  return { pid, exited, isRunning, signal, end, endSync }
}

function dieWithParent(user: UnixUser | undefined): string[] {
  const changeUser = user === undefined ? [] : [`--reuid=${user.userId}`, `--regid=${user.groupId}`, '--clear-groups']
  const onlyWithParent = ['/bin/sh', '-c', 'test "$PPID" -eq "$0" && exec "$@"', String(process.pid)]
  return [...changeUser, '--pdeathsig', 'KILL', '--', ...onlyWithParent]
}

function processTree(pid: number): ProcessIdentity[] {
  return identifyProcess(pid) === undefined ? [] : descendantsOf(pid)
}

function send(signal: NodeJS.Signals, to: ProcessIdentity): void {
  if (!mayBeAlive(to)) return
  try {
    process.kill(to.pid, signal)
  } catch {
    // It has ended since.
  }
}
