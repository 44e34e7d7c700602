/**
 * `node test/faults/run.ts`: the matrix of faults. Each row and seed runs on a Fanfare of its own and is judged by the
 * checker, which is another process.
 *
 * - `ROW=router-kill,poison` and `SEED=1,2,3` select (all rows; seeds 1 to 3).
 * - `EVENTS=3000` and `FAULT_SECONDS=30` size a run.
 * - `RESULTS=docs/results/faults.json` writes the matrix there once all of it has passed.
 * - `SOURCE=…` runs the roles from another checkout: a copy with a mutation.
 * - `AGAIN=1` runs what passed before, too. Results lie in `.fanfare/faults/`, one file for each row and seed.
 *
 * Exits with 1 where a run did not pass. Seeds choose what happens and when; the processes' own timing stays theirs.
 */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Run } from './checker/observe.ts'
import type { Report } from './checker/report.ts'
import { matrix } from './rows/matrix.ts'
import { bulkRoles, type FaultRow } from './rows/fault-row.ts'
import { openBench, type Bench } from './supervisor/bench.ts'
import { earlierResult, revisionOf, saveResult, tableOf, writeMatrix, type RunResult } from './supervisor/results.ts'
import { seededRandom } from './supervisor/seeded-random.ts'
import { localFolder, startWorld, type World } from './supervisor/world.ts'

const project = join(import.meta.dirname, '../..')
const settleLimitMs = 90_000
const checkLimitMs = 180_000

const { ROW, SEED = '1,2,3', EVENTS = '3000', FAULT_SECONDS = '30', RESULTS, SOURCE = project, AGAIN } = process.env
const settings = {
  rows: ROW === undefined || ROW === '' ? matrix : ROW.split(',').map(rowNamed),
  seeds: SEED.split(',').map(Number),
  events: Number(EVENTS),
  faultMs: Number(FAULT_SECONDS) * 1_000,
  projectFolder: resolve(SOURCE),
}
/** Beside the sources that ran: what a mutation came to is no result of ours. */
const folder = join(settings.projectFolder, '.fanfare/faults')
const revision = revisionOf(
  join(settings.projectFolder, 'src'),
  join(settings.projectFolder, 'migrations'),
  import.meta.dirname,
)

function rowNamed(name: string): FaultRow {
  const row = matrix.find((each) => each.name === name)
  if (row !== undefined) return row
  throw new Error(`there is no row ${name}; there are ${matrix.map((each) => each.name).join(', ')}`)
}

async function main(): Promise<number> {
  const results: RunResult[] = []
  for (const brokerCount of [1, 3] as const) {
    const rows = settings.rows.filter((row) => (row.brokerCount ?? 1) === brokerCount)
    const runs = rows.flatMap((row) => settings.seeds.map((seed) => ({ row, seed })))
    let world: World | undefined
    try {
      for (const { row, seed } of runs) {
        const wanted = { row: row.name, seed, revision, events: settings.events }
        const earlier = AGAIN === undefined ? earlierResult(folder, wanted) : undefined
        if (earlier === undefined) world ??= await startWorld({ brokerCount, directory: localFolder })
        const result = earlier ?? (await runRow(row, seed, world!))
        results.push(result)
        say(`${result.passed ? 'passed' : 'FAILED'}  ${row.name} SEED=${seed}${earlier ? ' (earlier)' : ''}`)
        for (const problem of problemsOf(result)) say(`        ${problem}`)
      }
    } finally {
      await world?.stop()
    }
  }
  say(`\n${tableOf(results)}`)
  const passed = results.every((result) => result.passed)
  if (passed && RESULTS !== undefined) {
    writeMatrix(RESULTS, results, { date: new Date().toISOString(), commit: commit() })
  }
  return passed ? 0 : 1
}

async function runRow(row: FaultRow, seed: number, world: World): Promise<RunResult> {
  const startedMs = performance.now()
  say(`running ${row.name} SEED=${seed}`)
  await world.repair()
  const logs = join(folder, 'logs', `${row.name}-${seed}`)
  rmSync(logs, { recursive: true, force: true })
  const bench = await openBench({
    world,
    roles: row.roles ?? bulkRoles,
    random: seededRandom(seed),
    ...settings,
    folder: logs,
  })
  let complaints: string[]
  let report: Report | null = null
  try {
    complaints = await row.run(bench)
    await world.repair()
    await bench.untilSettled(settleLimitMs)
    report = await judge(bench, join(folder, `${row.name}-${seed}.run.json`))
    complaints.push(...unseen(report))
  } catch (error) {
    complaints = [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  } finally {
    await bench.close()
  }
  const result = resultOf(row, seed, { bench, complaints, report, elapsedMs: performance.now() - startedMs })
  saveResult(folder, result)
  return result
}

/** A process of its own, which loads nothing of what it judges. */
async function judge(bench: Bench, file: string): Promise<Report> {
  const { world, topicPrefix, postgresUrl, simulator, consumed, schedule } = bench
  const run: Run = {
    brokers: world.stack.kafka.brokers,
    registryUrl: world.stack.registry.url,
    topicPrefix,
    postgresUrl,
    ledgerUrl: `${simulator.adminUrl}/ledger`,
    consumed,
    schedule: { ...schedule, endedAtMs: Date.now() },
  }
  writeFileSync(file, JSON.stringify(run, null, 2))
  const checker = join(import.meta.dirname, 'checker/main.ts')
  const output = file.replace('.run.json', '.report.json')
  return new Promise((settle, reject) => {
    execFile(process.execPath, [checker, file, output], { timeout: checkLimitMs }, (error, _stdout, stderr) => {
      // 2 is its verdict; anything else means that it came to none.
      if (error !== null && error.code !== 2) reject(new Error(`the checker failed: ${stderr}`, { cause: error }))
      else settle(JSON.parse(readFileSync(output, 'utf8')) as Report)
    })
  })
}

/** What the checker did not see it did not check. */
function unseen({ events, calls, commits }: Report): string[] {
  const seen = { events, calls, commits }
  return Object.entries(seen).flatMap(([what, count]) => (count > 0 ? [] : [`the checker saw no ${what}`]))
}

interface Outcome {
  bench: Bench
  complaints: string[]
  report: Report | null
  elapsedMs: number
}

function resultOf(row: FaultRow, seed: number, { bench, complaints, report, elapsedMs }: Outcome): RunResult {
  return {
    row: row.name,
    fault: row.fault,
    seed,
    revision,
    events: bench.load.published(),
    kills: bench.schedule.kills.length,
    lost: report?.lost ?? 0,
    duplicated: report?.duplicated ?? 0,
    duplicatesAllowed: report?.duplicatesAllowed ?? 0,
    early: report?.early ?? 0,
    stuck: report?.stuck ?? 0,
    contradictory: report?.contradictory ?? 0,
    passed: complaints.length === 0 && report?.clean === true,
    elapsedMs,
    complaints,
    report,
  }
}

function problemsOf({ complaints, report }: RunResult): string[] {
  const broken = Object.entries(report?.rules ?? {}).map(([rule, count]) => `${count} × ${rule}`)
  const examples = (report?.details ?? []).slice(0, 10).map(({ rule, subject }) => `  ${rule}: ${subject}`)
  return [...complaints, ...broken, ...examples]
}

function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: settings.projectFolder, encoding: 'utf8' }).trim()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exit(await main())
