/** What came of the mutations: the table that people read, and the file that is committed beside the matrix. */
import { writeWhole } from '../supervisor/results.ts'
import { isCaught, nameOf, type Finding } from './checks.ts'
import type { Mutation } from './mutations.ts'

export interface MutationResult {
  mutation: Mutation
  /** Of the same check on the source as it is. */
  control: Finding
  finding: Finding
}

/** A check that fails anyway catches nothing. */
export function isSound({ mutation, control, finding }: MutationResult): boolean {
  return control.passed && isCaught(mutation, finding)
}

/** What is said of the mutated source: of a row its counts above zero, of a test file the stated tests that failed. */
function reported({ mutation: { says }, finding: { broken, counts } }: MutationResult): string[] {
  if (counts === undefined) return says.filter((title) => broken[title] !== undefined)
  const { duplicated, duplicatesAllowed, ...others } = counts
  const repeats = duplicated > 0 ? [`${duplicated} duplicated of ${duplicatesAllowed} allowed`] : []
  const rest = Object.entries(others).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []))
  return [...rest, ...repeats]
}

export function tableOf(results: readonly MutationResult[]): string {
  const lines = [
    ['mutation', 'caught by', 'control', 'reported', 's', 'caught'],
    ...results.map((result) => [
      result.mutation.name,
      nameOf(result.mutation.check),
      result.control.passed ? 'passed' : 'FAILED',
      reported(result).join(', ') || 'nothing',
      String(Math.round(result.finding.elapsedMs / 1_000)),
      isSound(result) ? 'yes' : 'NO',
    ]),
  ]
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0))) ?? []
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function writeResults(
  file: string,
  results: readonly MutationResult[],
  made: { date: string; commit: string },
): void {
  const mutations = results.map((result) => ({
    mutation: result.mutation.name,
    caught_by: nameOf(result.mutation.check),
    control_passed: result.control.passed,
    reported: reported(result),
    broken: result.finding.broken,
    caught: isSound(result),
    seconds: Math.round(result.finding.elapsedMs / 1_000),
  }))
  writeWhole(file, { ...made, mutations })
}
