/**
 * One stack for the whole test run: started before the first test file, ended after the last. Its addresses reach the
 * test processes as environment variables (test/support/stack-environment.ts reads them).
 *
 * FANFARE_STACK names another: `docker` for the containers of docker-compose.yml, `external` for what the environment
 * names. Addresses in the environment count as `external` by themselves, so that a developer who holds a stack open has
 * single files run at once.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findRunningStack } from '../src/cli/running-stack.ts'
import { readConfiguration } from '../src/config.ts'
import type { StackKind } from '../src/configuration/sections.ts'
import { ensurePrerequisites, thisSystem } from '../src/local/stack/prerequisites.ts'
import type { StackEvent } from '../src/local/stack/stack-event.ts'
import { StackFault } from '../src/local/stack/stack-fault.ts'
import { type Stack, startStack } from '../src/local/stack/stack.ts'

const directory = join(import.meta.dirname, '..', '.fanfare')
let stack: Stack | undefined

export async function globalSetup(): Promise<void> {
  const kind = stackKind()
  if (kind !== 'local') {
    const { environment } = await findRunningStack(kind, process.env)
    Object.assign(process.env, environment)
    return
  }
  await ensureTestTools()
  stack = await startStack({
    directory,
    environment: process.env,
    mayInstall: true,
    onEvent: announce,
  })
  Object.assign(process.env, stack.environment)
}

/** Where they cannot be had, the tests that need them are skipped and say so; CI accepts no skip (test/strict-run.ts). */
async function ensureTestTools(): Promise<void> {
  mkdirSync(directory, { recursive: true })
  try {
    await ensurePrerequisites({
      needed: ['chromium', 'prometheus'],
      system: thisSystem(process.env),
      mayInstall: true,
      environment: process.env,
      logFile: join(directory, 'test-tools-install.log'),
      onEvent: announce,
    })
  } catch (error) {
    if (!(error instanceof StackFault)) throw error
    process.stderr.write(`${error.message}\n`)
  }
}

function stackKind(): StackKind {
  const isNamed = (process.env['FANFARE_STACK'] ?? '') !== ''
  if (!isNamed && process.env['FANFARE_KAFKA_BROKERS'] !== undefined) return 'external'
  return readConfiguration(process.env, ['stack']).stack.kind
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
