/**
 * The life of one part of the stack, the same for all four: choose ports, prepare, start, wait until it answers; later
 * restart it on the same ports and data, hurt it on purpose, end it.
 *
 * A part is ready when its own process listens and answers. A port that another process took after it was chosen makes
 * the start fail; it is tried again on other ports, a few times.
 */
import { readFileSync } from 'node:fs'
import { chooseFreePorts, isFree } from './free-port.ts'
import { type Command, type Ending, type OwnedProcess, spawnOwned } from './owned-process.ts'
import { listensOn } from './process-table.ts'
import type { OnStackEvent, PartName } from './stack-event.ts'
import { StackFault } from './stack-fault.ts'
import { waitUntil } from './wait-until.ts'

/** What makes Kafka Kafka and Redis Redis; each lives in the file of its name. */
export interface PartDefinition {
  readonly name: PartName
  readonly portCount: number
  /** Chosen beforehand, where others must know them before this part starts; a port that is taken then is final. */
  readonly fixedPorts?: readonly number[]
  /** Writes what the part needs on disk and names the command. Called before every start; data that exists stays. */
  prepare(ports: readonly number[], signal: AbortSignal): Promise<Command>
  /** Whether the part serves its clients. May throw for "not yet". */
  isReady(ports: readonly number[]): Promise<boolean>
  /** Makes it end in order, with its data complete. */
  readonly restartSignal: NodeJS.Signals
  /** Makes it end as fast as it can without leaving anything in the system, its data no longer needed. */
  readonly discardSignal: NodeJS.Signals
}

export interface PartContext {
  setpriv: string
  logFile: string
  onEvent: OnStackEvent
  /** Aborted when the stack gives up or stops: waits in progress end. */
  signal: AbortSignal
}

export interface Part {
  readonly name: PartName
  /** Starts it and returns its ports once it is ready; StackFault otherwise. */
  start(): Promise<readonly number[]>
  /** Ends it, should it still run, and starts it on the same ports and data; returns once it is ready. */
  restart(): Promise<void>
  /** Sends a signal; after SIGKILL returns when all its processes are gone, else at once. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends it for good; returns when all its processes are gone. */
  stop(): Promise<void>
  /** The same, blocking the thread; whatever else is in progress is overtaken. */
  stopSync(): void
  /** The main process's id while it runs. */
  processId(): number | undefined
}

const PORT_ATTEMPTS_LIMIT = 5
/** Far above the seconds a start takes, for a machine that does much else. */
const READY_TIMEOUT_MS = 90_000
const RESTART_GRACE_MS = 15_000
const DISCARD_GRACE_MS = 3_000
const LOG_TAIL_LINES = 15

export function createPart(definition: PartDefinition, context: PartContext): Part {
  const { name } = definition
  const { onEvent } = context
  const discard: Ending = { signal: definition.discardSignal, graceMs: DISCARD_GRACE_MS }
  let ports: readonly number[] = []
  let running: OwnedProcess | undefined
  /** What was asked of the part before; the next waits for it. */
  let previous: Promise<unknown> = Promise.resolve()

  /** One thing at a time: a restart that overlaps another would start two processes on the same data. */
  function inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = previous.then(action)
    previous = result.catch(() => undefined)
    return result
  }

  async function start(): Promise<readonly number[]> {
    onEvent({ kind: 'starting', part: name })
    for (let attempt = 1; attempt <= PORT_ATTEMPTS_LIMIT; attempt += 1) {
      ports = definition.fixedPorts ?? (await chooseFreePorts(definition.portCount))
      if ((await launch()) === 'ready') return ports
      onEvent({ kind: 'port-taken', part: name, attempt })
    }
    throw new StackFault('part_failed', `${name} found its ports taken ${PORT_ATTEMPTS_LIMIT} times in a row`)
  }

  async function restart(): Promise<void> {
    await end({ signal: definition.restartSignal, graceMs: RESTART_GRACE_MS })
    onEvent({ kind: 'starting', part: name })
    if ((await launch()) === 'ready') return
    throw new StackFault('part_failed', `${name} cannot come back: another process took one of its ports`)
  }

  async function launch(): Promise<'ready' | 'port-taken'> {
    const startedMs = performance.now()
    const launched = spawnOwned(await definition.prepare(ports, context.signal), context)
    running = launched
    const readiness = await awaitReadiness(definition, { launched, ports, signal: context.signal })
    if (readiness.outcome === 'ready') {
      void launched.exited.then(({ code, signal }) => {
        // Whoever ends it on purpose takes it out of `running` first.
        if (running === launched) onEvent({ kind: 'died', part: name, code, signal, logFile: context.logFile })
      })
      onEvent({ kind: 'ready', part: name, elapsedMs: performance.now() - startedMs })
      return 'ready'
    }
    await end(discard)
    const free = await Promise.all(ports.map(isFree))
    if (readiness.outcome === 'ended' && free.includes(false)) return 'port-taken'
    throw notReadyFault(name, readiness, context.logFile)
  }

  async function end(how: Ending): Promise<void> {
    const ending = running
    running = undefined
    await ending?.end(how)
  }

  function stopSync(): void {
    const ending = running
    running = undefined
    ending?.endSync(discard)
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL') return inTurn(() => end({ signal, graceMs: DISCARD_GRACE_MS }))
    running?.signal(signal)
  }

  return {
    name,
    start: () => inTurn(start),
    restart: () => inTurn(restart),
    kill,
    stop: () => inTurn(() => end(discard)),
    stopSync,
    processId: () => (running?.isRunning() === true ? running.pid : undefined),
  }
}

type Readiness = { outcome: 'ready' } | { outcome: 'ended' } | { outcome: 'silent'; lastError: unknown }

async function awaitReadiness(
  definition: PartDefinition,
  start: { launched: OwnedProcess; ports: readonly number[]; signal: AbortSignal },
): Promise<Readiness> {
  const { launched, ports, signal } = start
  const listens = () => ports.every((port) => listensOn(launched.pid, port))
  const isDecided = async () => !launched.isRunning() || (listens() && (await definition.isReady(ports)))
  const waited = await waitUntil(isDecided, { timeoutMs: READY_TIMEOUT_MS, signal })
  if (!launched.isRunning()) return { outcome: 'ended' }
  return waited.met ? { outcome: 'ready' } : { outcome: 'silent', lastError: waited.lastError }
}

function notReadyFault(name: PartName, readiness: Readiness, logFile: string): StackFault {
  const what = readiness.outcome === 'silent' ? `did not answer within ${READY_TIMEOUT_MS} ms` : 'ended while starting'
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES)
  const cause = readiness.outcome === 'silent' ? readiness.lastError : undefined
  return new StackFault('part_failed', `${name} ${what}; the end of ${logFile}:\n${lines.join('\n')}`, cause)
}
