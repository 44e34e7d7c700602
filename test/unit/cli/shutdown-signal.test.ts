import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'

/** Says when it listens and when it was told to end, and then does not end. */
const stubborn = `
  import { shutdownSignal } from ${JSON.stringify(new URL('../../../src/cli/shutdown-signal.ts', import.meta.url).href)}
  const signal = shutdownSignal()
  signal.addEventListener('abort', () => console.log('aborted'))
  setInterval(() => {}, 1_000)
  console.log('listening')
`

describe('a process that drains', () => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    // A handler of its own, since process 1 of a container is spared signals that it does not handle.
    test(`ends at once, by itself, with a second ${signal}`, async (context) => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', stubborn], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      context.after(() => child.kill('SIGKILL'))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      assert.equal((await lines.next()).value, 'listening')
      child.kill(signal)
      assert.equal((await lines.next()).value, 'aborted')
      child.kill(signal)
      assert.deepEqual(await once(child, 'exit'), [code, null])
    })
  }
})
