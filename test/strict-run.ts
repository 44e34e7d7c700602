/**
 * A test reporter that refuses what Node's runner lets pass: a run without a test (a pattern that matches nothing), and
 * in CI a run that skipped one. It says so and makes the run fail; all else is the other reporters' business.
 */
interface TestEvent {
  type: string
  data: { file?: string; counts?: { tests: number; skipped: number } }
}

export default async function* strictRun(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    // The summary of the whole run is the one that belongs to no file.
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue
    const { tests, skipped } = data.counts
    if (tests === 0) yield refuse('there was nothing to test')
    if (skipped > 0 && process.env['CI'] === 'true')
      yield refuse(`${skipped} tests were skipped, which CI does not accept`)
  }
}

function refuse(reason: string): string {
  process.exitCode = 1
  return `refused: ${reason}\n`
}
