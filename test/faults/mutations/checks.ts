/**
 * Runs a mutation's check on a source, and judges what it said: passed, caught for the stated reason, or neither.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { revisionOf, type RunResult } from '../supervisor/results.ts'
import type { WantedRun } from '../supervisor/workers.ts'
import { matrix } from '../rows/matrix.ts'
import type { Check, Mutation } from './mutations.ts'

/** What a check said of a source. */
export interface Finding {
  passed: boolean
  /** Rules of the checker or titles of tests, with how often. */
  broken: Readonly<Record<string, number>>
  /** Of a row: the counts of its report. */
  counts?: Pick<RunResult, 'lost' | 'duplicated' | 'duplicatesAllowed' | 'early' | 'stuck' | 'contradictory'>
  /** Whatever else was said, for a person to read where a mutation survived or a control failed. */
  remarks: readonly string[]
  elapsedMs: number
}

export interface CheckRun {
  /** Where the source lies. */
  source: string
  /** For the logs and reports of rows. */
  folder: string
  /** Runs a row on the stack of some worker. */
  perform(wanted: WantedRun): Promise<RunResult>
}

/** Most mutants never come to rest. More than a lease, a session and the first rung of the ladder take together. */
const patienceMs = 60_000
const testLimitMs = 120_000

export function runCheck(check: Check, run: CheckRun): Promise<Finding> {
  return check.kind === 'row' ? runRowCheck(check, run) : runTestCheck(check, run)
}

/** As the table and the results name it. */
export function nameOf(check: Check): string {
  if (check.kind === 'test') return check.file
  return `ROW=${check.row} SEED=${check.seed} EVENTS=${check.events} FAULT_SECONDS=${check.faultSeconds}`
}

/** Whether the check failed, and for the reason that the mutation states: a role that does not start catches nothing. */
export function isCaught({ says }: Pick<Mutation, 'says'>, { passed, broken }: Finding): boolean {
  return !passed && says.some((reason) => (broken[reason] ?? 0) > 0)
}

async function runRowCheck(
  { row: name, seed, events, faultSeconds }: Extract<Check, { kind: 'row' }>,
  { source, folder, perform }: CheckRun,
): Promise<Finding> {
  const row = matrix.find((each) => each.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}`)
  const revision = revisionOf(join(source, 'src'), join(source, 'migrations'))
  const settings = { events, faultMs: faultSeconds * 1_000, projectFolder: source, folder, revision, patienceMs }
  const result = await perform({ row: name, fault: row.fault, seed, settings })
  const { lost, duplicated, duplicatesAllowed, early, stuck, contradictory } = result
  return {
    passed: result.passed,
    broken: result.report?.rules ?? {},
    counts: { lost, duplicated, duplicatesAllowed, early, stuck, contradictory },
    remarks: result.complaints,
    elapsedMs: result.elapsedMs,
  }
}

/** With a stack of its own: the test finds the addresses of nobody else's. */
function runTestCheck({ file }: Extract<Check, { kind: 'test' }>, { source }: CheckRun): Promise<Finding> {
  const startedMs = performance.now()
  const options = ['--test', '--test-reporter=tap', '--test-global-setup=./test/global-setup.ts']
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FANFARE_')))
  return new Promise((settle) => {
    execFile(
      process.execPath,
      [...options, file],
      { cwd: source, env: environment, timeout: testLimitMs, maxBuffer: 64 * 1024 * 1024 },
      (error, output, diagnostics) => {
        settle({
          passed: error === null,
          broken: failedTests(output),
          remarks: error === null ? [] : [diagnostics.slice(-2_000)],
          elapsedMs: performance.now() - startedMs,
        })
      },
    )
  })
}

/** A suite fails with its tests, and is counted too: whoever expects a test names the test. */
function failedTests(tap: string): Record<string, number> {
  const failed: Record<string, number> = {}
  for (const [, title = ''] of tap.matchAll(/^ *not ok \d+ - (.*)$/gm)) failed[title] = (failed[title] ?? 0) + 1
  return failed
}
