/**
 * Asks Prometheus itself what a query makes of given series: `promtool test rules` evaluates it.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** For a test's options: why it is skipped, or false. */
export const promtoolMissing =
  spawnSync('promtool', ['--version']).status === 0 ? false : 'promtool is not installed, so no query was evaluated'

export interface QueryExpectation {
  query: string
  /** In promtool's notation, one value for each 15 s: `fanfare_…{group="g"}` → `0+150x20`. */
  series: Readonly<Record<string, string>>
  /** Five minutes in; undefined where there is no answer. */
  value: number | undefined
}

/** Throws what promtool says where an expectation does not hold. */
export function assertQueries(expectations: readonly QueryExpectation[]): void {
  const tests = expectations.map(({ query, series, value }) => ({
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      { expr: query, eval_time: '5m', exp_samples: value === undefined ? [] : [{ labels: '{}', value }] },
    ],
  }))
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-promql-'))
  try {
    const file = join(folder, 'queries.yaml')
    writeFileSync(file, JSON.stringify({ rule_files: [], tests }))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
