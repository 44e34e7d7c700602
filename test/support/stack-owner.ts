/**
 * A process that owns a stack and does nothing else, to be killed by a test. Takes the stack's folder and the cache's
 * as arguments, and prints one line of JSON (StackOwnerReport) when all parts are ready.
 */
import { descendantsOf, type ProcessIdentity } from '../../src/local/stack/process-table.ts'
import { startStack } from '../../src/local/stack/stack.ts'

export interface StackOwnerReport {
  environment: Record<string, string>
  /** All processes below the owner, the ones that the parts started themselves included. */
  processes: ProcessIdentity[]
}

const [directory, cacheDirectory] = process.argv.slice(2)
if (directory === undefined || cacheDirectory === undefined) throw new Error('expected two folders')

const stack = await startStack({ directory, cacheDirectory, environment: process.env, mayInstall: false })
const report: StackOwnerReport = { environment: { ...stack.environment }, processes: descendantsOf(process.pid) }
process.stdout.write(`${JSON.stringify(report)}\n`)
