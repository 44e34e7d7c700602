import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgressLine } from '../../../src/cli/progress-line.ts'

function outputOf(isTTY: boolean) {
  const written: string[] = []
  const clock = { ms: 0 }
  const line = createProgressLine({ isTTY, write: (text) => written.push(text) }, () => clock.ms)
  return { written, clock, line }
}

test('progress is a line every two seconds where output is kept', () => {
  const { written, clock, line } = outputOf(false)
  for (let count = 0; count <= 50; count += 1) {
    clock.ms = count * 100
    line.update(`${count}`)
  }
  line.end()
  assert.deepEqual(written, ['20\n', '40\n', '50\n'])
})

test('progress is one line that is rewritten on a terminal, ten times a second', () => {
  const { written, clock, line } = outputOf(true)
  for (clock.ms = 0; clock.ms <= 150; clock.ms += 50) line.update(`at ${clock.ms}`)
  line.end()
  assert.deepEqual(written, ['\r\u001b[Kat 0', '\r\u001b[Kat 100', '\r\u001b[Kat 150', '\n'])
})

test('progress without an update writes nothing', () => {
  const { written, line } = outputOf(true)
  line.end()
  assert.deepEqual(written, [])
})
