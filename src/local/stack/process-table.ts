/**
 * Reads Linux's process table in /proc: who is alive, who descends from whom, who listens on a port. Everything may
 * vanish between two reads, so what is not there (any more) is an answer and not an error.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Names one process for good: a process id alone is given out again after its process has ended. */
export interface ProcessIdentity {
  pid: number
  /** Clock ticks from boot to the process's start. */
  startTicks: number
  /** Process ids mean something within their namespace only: a container sees others under the same numbers. */
  namespace: string
}

interface ProcessStat {
  parentPid: number
  state: string
  startTicks: number
}

/** The identity of a living process of this namespace, or undefined. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid)
  if (stat === undefined || isDead(stat)) return undefined
  return { pid, startTicks: stat.startTicks, namespace: ownNamespace() }
}

/** Whether that very process may still run. One of another namespace cannot be seen from here: it counts as alive. */
export function mayBeAlive(identity: ProcessIdentity): boolean {
  if (identity.namespace !== ownNamespace()) return true
  return identifyProcess(identity.pid)?.startTicks === identity.startTicks
}

/** The process's living descendants, parents before children, without itself. */
export function descendantsOf(pid: number): ProcessIdentity[] {
  const namespace = ownNamespace()
  const childrenOf = new Map<number, ProcessIdentity[]>()
  for (const entry of readdirSync('/proc')) {
    const candidate = Number(entry)
    if (!Number.isInteger(candidate)) continue
    const stat = readStat(candidate)
    if (stat === undefined || isDead(stat)) continue
    const siblings = childrenOf.get(stat.parentPid) ?? []
    siblings.push({ pid: candidate, startTicks: stat.startTicks, namespace })
    childrenOf.set(stat.parentPid, siblings)
  }
  const found = [...(childrenOf.get(pid) ?? [])]
  // The array grows while it is walked, so grandchildren are visited too.
  for (const descendant of found) found.push(...(childrenOf.get(descendant.pid) ?? []))
  return found
}

/**
 * Whether this process itself listens on the TCP port. Probing a port does not tell whose answer it is: another stack
 * may have taken the port a moment before, and then our own process is about to fail.
 */
export function listensOn(pid: number, port: number): boolean {
  const sockets = new Set(listeningSockets(port))
  if (sockets.size === 0) return false
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => sockets.has(linkTarget(`/proc/${pid}/fd/${descriptor}`)))
  } catch {
    return false
  }
}

/** Sockets in state LISTEN on the port, as the links below /proc/<pid>/fd name them. See proc(5), /proc/net/tcp. */
function listeningSockets(port: number): string[] {
  const listening = '0A'
  const portSuffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readText(table)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === listening && columns[1]?.endsWith(portSuffix))
      .map((columns) => `socket:[${columns[9] ?? ''}]`),
  )
}

function readStat(pid: number): ProcessStat | undefined {
  // The second column is the command in brackets and may hold anything, brackets and blanks included.
  const [state, parentPid, ...rest] = readText(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  // proc(5): starttime is column 22, state is column 3 and the parent's id column 4.
  const startTicks = rest[17]
  if (state === undefined || parentPid === undefined || startTicks === undefined) return undefined
  return { state, parentPid: Number(parentPid), startTicks: Number(startTicks) }
}

/** A zombie has ended and only waits for its parent to ask how. */
function isDead(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X'
}

function ownNamespace(): string {
  return linkTarget('/proc/self/ns/pid')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
