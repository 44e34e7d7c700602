/**
 * What came of the runs: a file for each row and seed, so that a matrix that was interrupted goes on where it stopped,
 * and the table that people read.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Report } from '../checker/report.ts'

export interface RunResult {
  row: string
  fault: string
  seed: number
  /** Of the sources that ran; a result of others is not taken over. */
  revision: string
  events: number
  kills: number
  lost: number
  duplicated: number
  duplicatesAllowed: number
  early: number
  stuck: number
  contradictory: number
  passed: boolean
  elapsedMs: number
  /** What the row itself found wrong. */
  complaints: readonly string[]
  report: Report | null
}

function fileOf(folder: string, row: string, seed: number): string {
  return join(folder, `${row}-${seed}.json`)
}

/** The result of an earlier run of the same sources with as many events, if it passed. */
export function earlierResult(
  folder: string,
  wanted: { row: string; seed: number; revision: string; events: number },
): RunResult | undefined {
  const file = fileOf(folder, wanted.row, wanted.seed)
  if (!existsSync(file)) return undefined
  const result = JSON.parse(readFileSync(file, 'utf8')) as RunResult
  const isSame = result.revision === wanted.revision && result.events >= wanted.events && result.passed
  return isSame ? result : undefined
}

export function saveResult(folder: string, result: RunResult): void {
  writeWhole(fileOf(folder, result.row, result.seed), result)
}

/** The file that is committed: the form that the documents promise. */
export function writeMatrix(file: string, results: readonly RunResult[], made: { date: string; commit: string }): void {
  const rows = results.map((result) => ({
    fault: result.fault,
    seed: result.seed,
    events: result.events,
    kills: result.kills,
    lost: result.lost,
    duplicated: result.duplicated,
    duplicates_allowed: result.duplicatesAllowed,
    early: result.early,
    stuck: result.stuck,
    passed: result.passed,
  }))
  writeWhole(file, { ...made, rows })
}

/** Complete or not at all, whenever the run is interrupted. */
export function writeWhole(file: string, content: object): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`)
  renameSync(`${file}.new`, file)
}

/** A hash of everything that decides a result: the code that runs and the harness that judges it. */
export function revisionOf(...folders: readonly string[]): string {
  const hash = createHash('sha256')
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const path of files.map((entry) => join(entry.parentPath, entry.name)).toSorted()) {
      hash.update(path.slice(folder.length)).update(readFileSync(path))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

const columns: readonly [title: string, value: (result: RunResult) => string][] = [
  ['fault', ({ fault }) => fault],
  ['seed', ({ seed }) => String(seed)],
  ['events', ({ events }) => String(events)],
  ['kills', ({ kills }) => String(kills)],
  ['lost', ({ lost }) => String(lost)],
  ['dup', ({ duplicated }) => String(duplicated)],
  ['allowed', ({ duplicatesAllowed }) => String(duplicatesAllowed)],
  ['early', ({ early }) => String(early)],
  ['stuck', ({ stuck }) => String(stuck)],
  ['contra', ({ contradictory }) => String(contradictory)],
  ['s', ({ elapsedMs }) => String(Math.round(elapsedMs / 1_000))],
  ['passed', ({ passed }) => (passed ? 'yes' : 'NO')],
]

export function tableOf(results: readonly RunResult[]): string {
  const lines = [columns.map(([title]) => title), ...results.map((result) => columns.map(([, value]) => value(result)))]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const pad = (cell: string, at: number) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}
