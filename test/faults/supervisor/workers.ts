/**
 * A few processes that run rows side by side (see worker.ts), and what happens when one of them dies.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RunAnswer, RunRequest } from '../worker.ts'
import type { RunResult } from './results.ts'

export interface WantedRun extends RunRequest {
  fault: string
}

export interface Workers {
  /** Works through the items in order, as many at a time as there are workers. `perform` does not reject. */
  each<Item>(
    items: readonly Item[],
    work: (item: Item, perform: (wanted: WantedRun) => Promise<RunResult>) => Promise<void>,
  ): Promise<void>
  /** Ends the workers and their stacks. */
  close(): Promise<void>
}

const program = join(import.meta.dirname, '../worker.ts')
/** For ending a stack of three brokers. */
const endLimitMs = 60_000

export function openWorkers(count: number): Workers {
  const places: (ChildProcess | undefined)[] = Array.from({ length: count }, () => undefined)

  async function perform(place: number, { fault, ...request }: WantedRun): Promise<RunResult> {
    const worker = (places[place] ??= fork(program, { execArgv: ['--disable-warning=TimeoutNegativeWarning'] }))
    const ended = new AbortController()
    try {
      const answered = once(worker, 'message', ended) as Promise<[RunAnswer]>
      const died = once(worker, 'exit', ended).then(([code, signal]): [RunAnswer] => {
        places[place] = undefined
        return [{ error: `its process ended with ${code ?? signal}` }]
      })
      worker.send(request)
      const [answer] = await Promise.race([answered, died])
      return 'result' in answer ? answer.result : failed(request, fault, answer.error)
    } finally {
      ended.abort()
    }
  }

  return {
    each: async (items, work) => {
      const waiting = [...items]
      await Promise.all(
        places.map(async (_, place) => {
          for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
            await work(item, (wanted) => perform(place, wanted))
          }
        }),
      )
    },
    close: async () => {
      await Promise.all(places.flatMap((worker) => (worker === undefined ? [] : [end(worker)])))
    },
  }
}

async function end(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const exited = once(worker, 'exit')
  const limit = setTimeout(() => worker.kill('SIGKILL'), endLimitMs)
  worker.disconnect()
  await exited
  clearTimeout(limit)
}

function failed({ row, seed, settings: { revision } }: RunRequest, fault: string, complaint: string): RunResult {
  const nothing = { events: 0, kills: 0, lost: 0, duplicated: 0, duplicatesAllowed: 0, early: 0, stuck: 0 }
  const rest = { contradictory: 0, passed: false, elapsedMs: 0, complaints: [complaint], report: null }
  return { row, fault, seed, revision, ...nothing, ...rest }
}
