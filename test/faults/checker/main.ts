/**
 * `node test/faults/checker/main.ts <run.json> <report.json>`: judges one run and writes the report. Exits with 2 where
 * the run is not clean. A process of its own, so that nothing of what it judges is loaded beside it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { check } from './check.ts'
import { observe, type Run } from './observe.ts'

const [runFile, reportFile] = process.argv.slice(2)
if (runFile === undefined || reportFile === undefined)
  throw new Error('expected the file of a run and one for the report')
const report = check(await observe(JSON.parse(readFileSync(runFile, 'utf8')) as Run))
writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`)
process.exit(report.clean ? 0 : 2)
