/**
 * A process that works through a given number of events, measured from outside: how fast its finished work grows, and
 * what processor time it and the parts of the stack use meanwhile.
 *
 * The first tenth warms it up and is not counted: what is compiled, connected and loaded then is no event's.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnOwned } from '../src/local/stack/owned-process.ts'
import { cpuTimeMs } from './cpu-time.ts'
import { projectFolder, type World } from './world.ts'

export interface MeasuredProcess {
  /** What runs with its arguments, from the project's folder. */
  command: readonly string[]
  /** Its FANFARE_* variables; those of this process are not passed on. */
  environment: Readonly<Record<string, string>>
  logFile: string
  /** How many events there are. */
  events: number
  /** Of how many all that follows is acknowledged. */
  finished(): Promise<number>
}

export interface Measurement {
  eventsPerSecond: number
  /** Of the process itself, µs for each event. */
  cpuMicros: number
  /** The same of the parts of the stack, by name, where they are known. */
  partsCpuMicros: Readonly<Record<string, number>>
}

const warmUpShare = 0.1
const lookEveryMs = 25
/** Nothing new for so long is the end of it. */
const stallLimitMs = 60_000
const endGraceMs = 45_000
const logLinesShown = 20

/** Runs it until all events are finished, and then asks it to end. @throws where it stops before, or does not end well. */
export async function measureProcess(world: World, options: MeasuredProcess): Promise<Measurement> {
  const { command, environment, logFile, events, finished } = options
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('FANFARE_'))
  const owned = spawnOwned(
    {
      program: process.execPath,
      arguments: command,
      workingDirectory: projectFolder,
      environment: { ...Object.fromEntries(others), ...environment },
    },
    { setpriv: 'setpriv', logFile },
  )
  const fault = (what: string) => new Error(`${command.join(' ')} ${what}; the end of ${logFile}:\n${tailOf(logFile)}`)

  async function until(count: number): Promise<Sample> {
    let seen = -1
    let seenAtMs = performance.now()
    for (;;) {
      const now = await finished()
      if (now >= count) return takeSample(world, owned.pid, now)
      if (!owned.isRunning()) throw fault('ended')
      if (now > seen) seenAtMs = performance.now()
      if (performance.now() - seenAtMs > stallLimitMs) throw fault(`stands at ${now} of ${events} events`)
      seen = now
      await sleep(lookEveryMs)
    }
  }

  try {
    const from = await until(events * warmUpShare)
    const to = await until(events)
    await owned.end({ signal: 'SIGTERM', graceMs: endGraceMs })
    const { code } = await owned.exited
    if (code !== 0) throw fault('did not end well')
    return between(from, to)
  } finally {
    await owned.end({ signal: 'SIGKILL', graceMs: 0 })
  }
}

interface Sample {
  finished: number
  atMs: number
  cpuMs: number
  partsCpuMs: Readonly<Record<string, number>>
}

function takeSample(world: World, pid: number, finished: number): Sample {
  const atMs = performance.now()
  const parts = Object.entries(world.processIds()).map(([part, processId]) => [part, cpuTimeMs(processId)] as const)
  return { finished, atMs, cpuMs: cpuTimeMs(pid), partsCpuMs: Object.fromEntries(parts) }
}

function between(from: Sample, to: Sample): Measurement {
  const events = to.finished - from.finished
  const micros = (fromMs: number, toMs: number) => ((toMs - fromMs) * 1_000) / events
  return {
    eventsPerSecond: (events * 1_000) / (to.atMs - from.atMs),
    cpuMicros: micros(from.cpuMs, to.cpuMs),
    partsCpuMicros: Object.fromEntries(
      Object.entries(to.partsCpuMs).map(([part, cpuMs]) => [part, micros(from.partsCpuMs[part] ?? 0, cpuMs)]),
    ),
  }
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-logLinesShown).join('\n')
}
