/**
 * Loaded into every test process: a handle that a test file leaves open fails it, and by name.
 *
 * Without it one open socket holds the run for ever. Node's --test-force-exit would end the process instead, but it says
 * nothing of the leak, and it cuts off results that are still on their way to the runner.
 */
import { after } from 'node:test'

const graceMs = 5_000
const leakedExitCode = 70

after(() => {
  // Not a handle of its own: it fires only where something else keeps the process alive.
  setTimeout(() => {
    const handles = process.getActiveResourcesInfo().filter((kind) => !alwaysThere.has(kind))
    process.stderr.write(`leaked handles after all tests: ${handles.join(', ') || 'unknown'}\n`)
    process.exit(leakedExitCode)
  }, graceMs).unref()
})

/** The runner's pipe to this process. */
const alwaysThere = new Set(['PipeWrap', 'TTYWrap'])
