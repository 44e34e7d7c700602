/**
 * `node test/faults/run.ts`: the matrix of faults. Each row and seed runs on a Fanfare of its own and is judged by the
 * checker, which is another process.
 *
 * - `ROW=router-kill,poison` and `SEED=1,2,3` select (all rows; seeds 1 to 3).
 * - `EVENTS=1500` and `FAULT_SECONDS=30` size a run.
 * - `JOBS=2` runs so many rows side by side, each on a stack of its own; rows that measure have the machine to themselves.
 * - `RESULTS=docs/results/faults.json` writes the matrix there once all of it has passed.
 * - `SOURCE=…` runs the roles from another checkout: a copy with a mutation.
 * - `AGAIN=1` runs what passed before, too. Results lie in `.fanfare/faults/`, one file for each row and seed.
 *
 * Exits with 1 where a run did not pass. Seeds choose what happens and when; the processes' own timing stays theirs.
 */
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { RunSettings } from './row-runner.ts'
import type { FaultRow } from './rows/fault-row.ts'
import { matrix } from './rows/matrix.ts'
import { earlierResult, revisionOf, tableOf, writeMatrix, type RunResult } from './supervisor/results.ts'
import { openWorkers } from './supervisor/workers.ts'

const project = join(import.meta.dirname, '../..')

const {
  ROW,
  SEED = '1,2,3',
  EVENTS = '1500',
  FAULT_SECONDS = '30',
  JOBS = '2',
  RESULTS,
  SOURCE = project,
} = process.env
const isAgain = process.env['AGAIN'] !== undefined
const projectFolder = resolve(SOURCE)
const settings: RunSettings = {
  events: Number(EVENTS),
  faultMs: Number(FAULT_SECONDS) * 1_000,
  projectFolder,
  // Beside the sources that ran: what a mutation came to is no result of ours.
  folder: join(projectFolder, '.fanfare/faults'),
  revision: revisionOf(join(projectFolder, 'src'), join(projectFolder, 'migrations'), import.meta.dirname),
  patienceMs: 180_000,
}

interface PlannedRun {
  row: FaultRow
  seed: number
}

function rowNamed(name: string): FaultRow {
  const row = matrix.find((each) => each.name === name)
  if (row !== undefined) return row
  throw new Error(`there is no row ${name}; there are ${matrix.map((each) => each.name).join(', ')}`)
}

async function main(): Promise<number> {
  const rows = ROW === undefined || ROW === '' ? matrix : ROW.split(',').map(rowNamed)
  const runs = rows.flatMap((row) => SEED.split(',').map((seed) => ({ row, seed: Number(seed) })))
  const results = new Map<string, RunResult>()
  for (const run of isAgain ? [] : runs) {
    const earlier = earlierResult(settings.folder, { ...settings, row: run.row.name, seed: run.seed })
    if (earlier === undefined) continue
    results.set(keyOf(run), earlier)
    tell(earlier, ' (earlier)')
  }
  const open = runs.filter((run) => !results.has(keyOf(run)))
  for (const { runs: phase, jobs } of phasesOf(open)) {
    const workers = openWorkers(Math.min(jobs, phase.length))
    try {
      await workers.each(phase, async (run, perform) => {
        const { row, seed } = run
        say(`running ${row.name} SEED=${seed}`)
        const result = await perform({ row: row.name, fault: row.fault, seed, settings })
        results.set(keyOf(run), result)
        tell(result)
      })
    } finally {
      await workers.close()
    }
  }
  return conclude(runs.flatMap((run) => results.get(keyOf(run)) ?? []))
}

function keyOf({ row, seed }: PlannedRun): string {
  return `${row.name} ${seed}`
}

/** Rows that need the machine for themselves come one by one, and so do those of three brokers, which fill it. */
function phasesOf(open: readonly PlannedRun[]): { runs: PlannedRun[]; jobs: number }[] {
  const isAlone = ({ row }: PlannedRun) => row.alone === true || row.brokerCount === 3
  return [
    { runs: open.filter((run) => !isAlone(run)), jobs: Number(JOBS) },
    // A worker changes its world where the number of brokers changes.
    { runs: open.filter(isAlone).toSorted((a, b) => (a.row.brokerCount ?? 1) - (b.row.brokerCount ?? 1)), jobs: 1 },
  ]
}

function conclude(results: readonly RunResult[]): number {
  say(`\n${tableOf(results)}`)
  const passed = results.every((result) => result.passed)
  if (passed && RESULTS !== undefined) {
    writeMatrix(RESULTS, results, { date: new Date().toISOString(), commit: commit() })
  }
  return passed ? 0 : 1
}

function tell(result: RunResult, suffix = ''): void {
  say(`${result.passed ? 'passed' : 'FAILED'}  ${result.row} SEED=${result.seed}${suffix}`)
  for (const problem of problemsOf(result)) say(`        ${problem}`)
}

function problemsOf({ complaints, report }: RunResult): string[] {
  const broken = Object.entries(report?.rules ?? {}).map(([rule, count]) => `${count} × ${rule}`)
  const examples = (report?.details ?? []).slice(0, 10).map(({ rule, subject }) => `  ${rule}: ${subject}`)
  return [...complaints, ...broken, ...examples]
}

function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectFolder, encoding: 'utf8' }).trim()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exit(await main())
