/**
 * `node bench/run.ts`: measures what runs against baselines of the same run, on the stack that FANFARE_* variables name
 * or on one of its own.
 *
 * - `BENCH=router` selects (all of them).
 * - `EVENTS=40000` sizes a run, `ROUNDS=3` says how often each variant is measured.
 *
 * Figures of one machine and one moment: compare ratios, and of the same run only. Exits with 1 where a run comes to
 * something else than its events ask for. The processes' logs lie in `.fanfare/bench/logs`.
 */
import { availableParallelism, loadavg } from 'node:os'
import { routerText } from './router/report.ts'
import { runRouterBench } from './router/router-bench.ts'
import { openWorld, type World } from './world.ts'

const { BENCH, EVENTS = '40000', ROUNDS = '3' } = process.env

interface Sizes {
  events: number
  rounds: number
}

const benches: Record<string, (world: World, sizes: Sizes) => Promise<string>> = {
  router: async (world, sizes) => routerText(await runRouterBench(world, { ...sizes, say })),
}

async function main(): Promise<void> {
  const names = BENCH === undefined || BENCH === '' ? Object.keys(benches) : BENCH.split(',')
  const unknown = names.filter((name) => benches[name] === undefined)
  if (unknown.length > 0)
    throw new Error(`there is no bench ${unknown.join()}; there are ${Object.keys(benches).join()}`)
  const sizes = { events: sizeOf('EVENTS', EVENTS), rounds: sizeOf('ROUNDS', ROUNDS) }
  const [load = 0] = loadavg()
  say(`${availableParallelism()} cores, load ${load.toFixed(2)} before it began, Node ${process.versions.node}`)
  await using opened = new AsyncDisposableStack()
  const world = await openWorld()
  opened.defer(() => world.close())
  for (const name of names) say(`\n${await benches[name]?.(world, sizes)}`)
}

function sizeOf(variable: string, text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text)) throw new Error(`${variable}: expected a whole number above 0, got ${text}`)
  return Number(text)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}
// A connection that somebody left open must not hold the process.
process.exit()
