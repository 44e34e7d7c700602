/**
 * One run: a row under one seed, on a Fanfare of its own, judged by the checker, which is another process.
 */
import { execFile } from 'node:child_process'
import { rmSync, writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Run } from './checker/observe.ts'
import type { Report } from './checker/report.ts'
import { bulkRoles, type FaultRow } from './rows/fault-row.ts'
import { openBench, type Bench } from './supervisor/bench.ts'
import { saveResult, type RunResult } from './supervisor/results.ts'
import { seededRandom } from './supervisor/seeded-random.ts'
import type { World } from './supervisor/world.ts'

/** The same for all runs of a matrix. */
export interface RunSettings {
  events: number
  faultMs: number
  /** Where src/main.ts lies: this checkout, or a copy with a mutation. */
  projectFolder: string
  /** For results and logs. */
  folder: string
  /** Of the sources that run. */
  revision: string
  /** What all waits for everything to come to rest may take together that are in vain. */
  patienceMs: number
}

const settleLimitMs = 90_000
const checkLimitMs = 180_000

/** Runs the row on the world, which it leaves as the row left it, and saves what came of it. Does not throw. */
export async function runRow(
  row: FaultRow,
  seed: number,
  { world, settings }: { world: World; settings: RunSettings },
): Promise<RunResult> {
  const startedMs = performance.now()
  const outcome = await observed(row, seed, { world, settings })
  const result = resultOf(row, seed, {
    ...outcome,
    revision: settings.revision,
    elapsedMs: performance.now() - startedMs,
  })
  saveResult(settings.folder, result)
  return result
}

interface Outcome {
  events: number
  kills: number
  complaints: string[]
  report: Report | null
}

async function observed(
  row: FaultRow,
  seed: number,
  { world, settings }: { world: World; settings: RunSettings },
): Promise<Outcome> {
  const outcome: Outcome = { events: 0, kills: 0, complaints: [], report: null }
  let bench: Bench | undefined
  try {
    await world.repair()
    bench = await openRowBench(row, seed, { world, settings })
    outcome.complaints = await row.run(bench)
    await world.repair()
    await bench.untilSettled(settleLimitMs)
    outcome.report = await judge(bench, join(settings.folder, `${row.name}-${seed}.run.json`))
    outcome.complaints.push(...unseen(outcome.report, bench.schedule))
  } catch (error) {
    outcome.complaints.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    outcome.events = bench?.load.published() ?? 0
    outcome.kills = bench?.schedule.kills.length ?? 0
    await bench?.close()
  }
  return outcome
}

async function openRowBench(
  row: FaultRow,
  seed: number,
  { world, settings: { events, faultMs, projectFolder, folder, patienceMs } }: { world: World; settings: RunSettings },
): Promise<Bench> {
  const logs = join(folder, 'logs', `${row.name}-${seed}`)
  rmSync(logs, { recursive: true, force: true })
  const roles = row.roles ?? bulkRoles
  const random = seededRandom(seed)
  return openBench({ world, roles, random, events, faultMs, projectFolder, patienceMs, folder: logs })
}

/** A process of its own, which loads nothing of what it judges. */
async function judge(bench: Bench, file: string): Promise<Report> {
  const { world, topicPrefix, postgresUrl, simulator, consumed, schedule } = bench
  const run: Run = {
    brokers: world.stack.kafka.brokers,
    registryUrl: world.stack.registry.url,
    topicPrefix,
    postgresUrl,
    redisUrl: world.stack.redis.url,
    ledgerUrl: `${simulator.adminUrl}/ledger`,
    webhooksUrl: `${simulator.adminUrl}/webhooks`,
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
function unseen({ events, calls, commits, places }: Report, { userCaps }: Bench['schedule']): string[] {
  const seen = { events, calls, commits, ...(userCaps.length > 0 ? { places } : {}) }
  return Object.entries(seen).flatMap(([what, count]) => (count > 0 ? [] : [`the checker saw no ${what}`]))
}

function resultOf(
  row: FaultRow,
  seed: number,
  { complaints, report, ...rest }: Outcome & { revision: string; elapsedMs: number },
): RunResult {
  return {
    row: row.name,
    fault: row.fault,
    seed,
    ...rest,
    lost: report?.lost ?? 0,
    duplicated: report?.duplicated ?? 0,
    duplicatesAllowed: report?.duplicatesAllowed ?? 0,
    early: report?.early ?? 0,
    stuck: report?.stuck ?? 0,
    contradictory: report?.contradictory ?? 0,
    passed: complaints.length === 0 && report?.clean === true,
    complaints,
    report,
  }
}
