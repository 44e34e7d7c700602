import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  earlierResult,
  revisionOf,
  saveResult,
  tableOf,
  writeMatrix,
  type RunResult,
} from '../../faults/supervisor/results.ts'

const aResult = (given: Partial<RunResult> = {}): RunResult => ({
  row: 'router-kill',
  fault: 'SIGKILL router',
  seed: 7,
  revision: 'a',
  events: 3_000,
  kills: 20,
  lost: 0,
  duplicated: 1,
  duplicatesAllowed: 2,
  early: 0,
  stuck: 0,
  contradictory: 0,
  passed: true,
  elapsedMs: 61_400,
  complaints: [],
  report: null,
  ...given,
})

describe('the results of a matrix', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fanfare-results-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const wanted = { row: 'router-kill', seed: 7, revision: 'a', events: 3_000 }

  test('are taken up again after an interruption', () => {
    assert.equal(earlierResult(folder, wanted), undefined)
    saveResult(folder, aResult())
    assert.deepEqual(earlierResult(folder, wanted), aResult())
  })

  test('count for nothing where they failed, or other sources or a smaller load made them', () => {
    saveResult(folder, aResult())
    assert.equal(earlierResult(folder, { ...wanted, revision: 'b' }), undefined)
    assert.equal(earlierResult(folder, { ...wanted, events: 3_001 }), undefined)
    assert.equal(earlierResult(folder, { ...wanted, seed: 8 }), undefined)
    saveResult(folder, aResult({ passed: false }))
    assert.equal(earlierResult(folder, wanted), undefined)
  })

  test('belong to the sources that made them, whatever their place', () => {
    const sourcesOf = (name: string, text: string) => {
      mkdirSync(join(folder, name, 'deep'), { recursive: true })
      writeFileSync(join(folder, name, 'deep/a.ts'), text)
      return revisionOf(join(folder, name))
    }
    const revision = sourcesOf('one', 'text')
    assert.equal(sourcesOf('other', 'text'), revision)
    assert.notEqual(sourcesOf('other', 'changed'), revision)
  })

  test('are written as the documents promise', () => {
    const file = join(folder, 'docs/faults.json')
    writeMatrix(file, [aResult()], { date: '2026-11-22T00:00:00Z', commit: 'c0ffee' })
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      date: '2026-11-22T00:00:00Z',
      commit: 'c0ffee',
      rows: [
        {
          fault: 'SIGKILL router',
          seed: 7,
          events: 3_000,
          kills: 20,
          lost: 0,
          duplicated: 1,
          duplicates_allowed: 2,
          early: 0,
          stuck: 0,
          passed: true,
        },
      ],
    })
  })

  test('make a table', () => {
    assert.equal(
      tableOf([aResult(), aResult({ fault: 'Poison', passed: false, lost: 12 })]),
      [
        'fault           seed  events  kills  lost  dup  allowed  early  stuck  contra   s  passed',
        'SIGKILL router     7    3000     20     0    1        2      0      0       0  61     yes',
        'Poison             7    3000     20    12    1        2      0      0       0  61      NO',
      ].join('\n'),
    )
  })
})
