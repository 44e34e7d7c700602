/**
 * A process that runs rows one after the other on a world of its own, as its parent asks: `run.ts` keeps a few of them
 * side by side, each with its own brokers, database, proxies, providers and event loop.
 *
 * Ends when its parent closes the channel or dies.
 */
import { matrix } from './rows/matrix.ts'
import { runRow, type RunSettings } from './row-runner.ts'
import type { RunResult } from './supervisor/results.ts'
import { localFolder, startWorld, type World } from './supervisor/world.ts'

/** What the parent asks for. */
export interface RunRequest {
  row: string
  seed: number
  settings: RunSettings
}

/** What comes back for each of them. */
export type RunAnswer = { result: RunResult } | { error: string }

let world: World | undefined

async function perform({ row: name, seed, settings }: RunRequest): Promise<RunResult> {
  const row = matrix.find((each) => each.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}`)
  const brokerCount = row.brokerCount ?? 1
  if (world !== undefined && world.brokerCount !== brokerCount) {
    await world.stop()
    world = undefined
  }
  world ??= await startWorld({ brokerCount, directory: localFolder })
  return runRow(row, seed, { world, settings })
}

process.on('message', (request: RunRequest) => {
  void perform(request).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})

function answer(given: RunAnswer): void {
  process.send?.(given)
}

process.on('disconnect', () => {
  void (world?.stop() ?? Promise.resolve()).finally(() => process.exit(0))
})
