/**
 * `node test/faults/mutations/run.ts`: makes one deliberate mistake after the other in a copy of the source, and asks
 * whether the checks notice. Each check runs on the unchanged source first: it has to pass there.
 *
 * - `MUTATION=claim after call,commit before settle` selects.
 * - `JOBS=2` runs so many checks side by side, each worker with a stack of its own.
 * - `RESULTS=docs/results/mutations.json` writes what came of it, once every mutation was caught.
 *
 * Exits with 1 where a mutation survived or a control failed. Logs lie in `.fanfare/mutations/`.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openWorkers } from '../supervisor/workers.ts'
import { isCaught, nameOf, runCheck, type Finding } from './checks.ts'
import { mutations, type Check, type Mutation } from './mutations.ts'
import { isSound, tableOf, writeResults, type MutationResult } from './results.ts'
import { openSourceCopies, type SourceCopies } from './source-copy.ts'

const project = join(import.meta.dirname, '../../..')
const logs = join(project, '.fanfare/mutations')

const { MUTATION = '', JOBS = '2', RESULTS } = process.env

/** One run of one check, on the source as it is or with one mutation. */
interface PlannedCheck {
  what: string
  check: Check
  source: string
  mutation?: Mutation
}

async function main(copies: SourceCopies): Promise<number> {
  const chosen = MUTATION === '' ? mutations : MUTATION.split(',').map(mutationNamed)
  // All of them first: a list that is out of date is said at once, not after minutes.
  const mutants = chosen.map((mutation) => mutantOf(mutation, copies))
  const checks = new Map(chosen.map(({ check }) => [nameOf(check), check]))
  const controls = [...checks.values()].map((check) => ({ what: 'control', check, source: copies.unmutated }))
  const findings = await runAll([...controls, ...mutants])
  const findingOf = (planned: PlannedCheck | undefined) => {
    const finding = planned === undefined ? undefined : findings.get(planned)
    if (finding === undefined) throw new Error(`${planned?.what} was not run`)
    return finding
  }
  const results = mutants.map((mutant): MutationResult => {
    const control = controls.find(({ check }) => nameOf(check) === nameOf(mutant.check))
    return { mutation: mutant.mutation, control: findingOf(control), finding: findingOf(mutant) }
  })
  say(`\n${tableOf(results)}`)
  if (!results.every(isSound)) return 1
  if (RESULTS !== undefined) writeResults(RESULTS, results, { date: new Date().toISOString(), commit: commit() })
  return 0
}

function mutationNamed(name: string): Mutation {
  const mutation = mutations.find((each) => each.name === name)
  if (mutation !== undefined) return mutation
  throw new Error(`there is no mutation “${name}”; there are: ${mutations.map((each) => each.name).join(', ')}`)
}

function mutantOf(mutation: Mutation, copies: SourceCopies) {
  return { what: mutation.name, check: mutation.check, source: copies.mutated(mutation), mutation }
}

async function runAll(planned: readonly PlannedCheck[]): Promise<Map<PlannedCheck, Finding>> {
  const findings = new Map<PlannedCheck, Finding>()
  const workers = openWorkers(Math.min(Number(JOBS), planned.length))
  try {
    await workers.each(planned, async (each, perform) => {
      const folder = join(logs, `${each.what} ${nameOf(each.check)}`.replaceAll(/\W+/g, '-'))
      rmSync(folder, { recursive: true, force: true })
      const finding = await runCheck(each.check, { source: each.source, folder, perform })
      findings.set(each, finding)
      tell(each, finding)
    })
  } finally {
    await workers.close()
  }
  return findings
}

function tell({ what, check, mutation }: PlannedCheck, finding: Finding): void {
  const asked = `${what}: ${nameOf(check)}, ${Math.round(finding.elapsedMs / 1_000)} s`
  if (mutation === undefined) say(`${finding.passed ? 'passed  ' : 'FAILED  '}${asked}`)
  else say(`${isCaught(mutation, finding) ? 'caught  ' : 'SURVIVED'}  ${asked}`)
  for (const [rule, count] of Object.entries(finding.broken)) say(`          ${count} × ${rule}`)
  const isExpected = mutation === undefined ? finding.passed : isCaught(mutation, finding)
  if (!isExpected) for (const remark of finding.remarks) say(`          ${remark}`)
}

function commit(): string {
  return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: project, encoding: 'utf8' }).trim()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const copies = openSourceCopies(project)
process.on('exit', () => copies.remove())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
process.exit(await main(copies))
