import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { isCaught, type Finding } from '../../faults/mutations/checks.ts'
import { mutations } from '../../faults/mutations/mutations.ts'
import { isSound, tableOf } from '../../faults/mutations/results.ts'
import { applyMutation, mutatedFiles } from '../../faults/mutations/source-copy.ts'
import { readDocument, section, tableRows } from '../docs/markdown.ts'

const project = join(import.meta.dirname, '../../..')

describe('a mutation', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanfare-mutation-'))
    writeFileSync(join(folder, 'source.ts'), 'claim()\ncall()\nsettle()\ncall()\n')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const edit = (find: string, replace: string) => ({ file: 'source.ts', find, replace })
  const text = () => readFileSync(join(folder, 'source.ts'), 'utf8')

  test('replaces what it finds once, one edit after the other, and takes nothing for a pattern', () => {
    applyMutation(folder, { name: 'any', edits: [edit('claim()\n', '$&.*'), edit('settle()', 'claim()')] })
    assert.equal(text(), '$&.*call()\nclaim()\ncall()\n')
  })

  for (const [find, times] of [
    ['render()', 0],
    ['call()', 2],
  ] as const) {
    test(`whose text is found ${times} times is an error that names it and the file, and writes nothing`, () => {
      const edits = [edit('claim()', 'settle()'), edit(find, '')]
      assert.throws(
        () => applyMutation(folder, { name: 'call first', edits }),
        (error: Error) => ['call first', 'source.ts', `${times} times`].every((part) => error.message.includes(part)),
      )
      assert.equal(text(), 'claim()\ncall()\nsettle()\ncall()\n')
    })
  }
})

describe('the list of mutations', () => {
  for (const mutation of mutations) {
    test(`is true to the source: ${mutation.name}`, () => {
      for (const [file, text] of mutatedFiles(project, mutation)) {
        assert.notEqual(text, readFileSync(join(project, file), 'utf8'))
      }
    })
  }

  test('has every mutation that was promised, each under a name of its own', () => {
    assert.deepEqual(mutations.map(({ name }) => name).toSorted(), [
      'a late report moves a row back',
      'claim after call',
      'commit before settle',
      'day = arrival day',
      'every SQL error called infrastructure',
      'fence by attempt instead of hop',
      'forward before record',
      'idempotent producer with a lost response',
      'receipt before Kafka',
      'rows before reports',
      'settle overwrites feedback',
      'tracker reset on a kept partition',
      'watermark = highest seen',
    ])
  })
})

describe('docs/guarantees.md', () => {
  test('tells of every mutation which check notices it', () => {
    const told = tableRows(section(readDocument('docs/guarantees.md'), '## The checks can fail'))
    assert.deepEqual(
      told.map(([mistake, , noticedBy]) => [mistake, noticedBy]),
      mutations.map(({ name, check }) => [name, check.kind === 'row' ? `row \`${check.row}\`` : `\`${check.file}\``]),
    )
  })
})

describe('a check', () => {
  const finding = (given: Partial<Finding> = {}): Finding => ({
    passed: false,
    broken: { 'lost: an event': 2 },
    remarks: [],
    elapsedMs: 1_000,
    ...given,
  })
  const says = ['lost: an event', 'stuck: a delivery']

  test('that fails for one of the stated reasons has caught the mutation', () => {
    assert.ok(isCaught({ says }, finding()))
  })

  test('that passes, or fails for any other reason, has not', () => {
    assert.ok(!isCaught({ says }, finding({ passed: true })))
    assert.ok(!isCaught({ says }, finding({ broken: { 'lost: another event': 1 } })))
    assert.ok(!isCaught({ says }, finding({ broken: {}, remarks: ['the router is not ready'] })))
  })

  test('that fails on the unchanged source, too, catches nothing', () => {
    const [mutation] = mutations.map((each) => ({ ...each, says }))
    assert.ok(mutation)
    const control = finding({ passed: true, broken: {} })
    assert.ok(isSound({ mutation, control, finding: finding() }))
    const unsound = { mutation, control: finding(), finding: finding() }
    assert.ok(!isSound(unsound))
    assert.match(tableOf([unsound]), /FAILED.*NO$/m)
  })
})
