/**
 * One stack for the whole test run: started before the first test file, ended after the last. Its addresses reach the
 * test processes as environment variables (test/support/stack-environment.ts reads them).
 *
 * A developer who holds a stack open and exports its variables has it used instead, so that single files run at once.
 */
import { join } from 'node:path'
import type { StackEvent } from '../src/local/stack/stack-event.ts'
import { type Stack, startStack } from '../src/local/stack/stack.ts'

let stack: Stack | undefined

export async function globalSetup(): Promise<void> {
  if (process.env['FANFARE_KAFKA_BROKERS'] !== undefined) return
  stack = await startStack({
    directory: join(import.meta.dirname, '..', '.fanfare'),
    environment: process.env,
    mayInstall: true,
    onEvent: announce,
  })
  Object.assign(process.env, stack.environment)
}

/** Blocks: with --test-force-exit the runner calls this, does not wait for what it returns, and exits (Node 24.21). */
export function globalTeardown(): void {
  stack?.stopSync()
  stack = undefined
}

/** What takes minutes or changes the system is said; the rest of a start passes in seconds. */
function announce(event: StackEvent): void {
  if (event.kind === 'installing') process.stderr.write(`installing what is missing: ${event.command}\n`)
  if (event.kind === 'downloading') process.stderr.write(`downloading ${event.artifact}\n`)
  if (event.kind === 'died') process.stderr.write(`${event.part} died, see ${event.logFile}\n`)
}
