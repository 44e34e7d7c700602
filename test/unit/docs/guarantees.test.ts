import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { crashPointsOf } from '../../faults/wiring/crash.ts'
import { readDocument, root, section, tableRows } from './markdown.ts'

const guarantees = readDocument('docs/guarantees.md')
const rows = tableRows(section(guarantees, '## What is promised'))
const deaths = tableRows(section(guarantees, '## Where a process can die'))

interface Proof {
  file: string
  title: string
}

/** `file`: “title”, as often as the cell has it. Titles hold every character but the closing quotation mark. */
function proofsOf(cell: string): Proof[] {
  return [...cell.matchAll(/`([^`]+\.ts)`: “([^”]+)”/g)].map(([, file = '', title = '']) => ({ file, title }))
}

/** As a whole string of the source: a title that is a part of another, or only of a comment, is none. */
function hasTest(source: string, title: string): boolean {
  return ["'", '`', '"'].some((quote) =>
    new RegExp(`\\btest\\(\\s*${escapeRegExp(quote + title + quote)}`).test(source),
  )
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}

describe('docs/guarantees.md', () => {
  test('says of every promise what it is exactly and which test proves it', () => {
    assert.ok(rows.length > 0)
    for (const [promise = '', exactly = '', proof = '', ...more] of rows) {
      assert.equal(more.length, 0, `${promise}: a row has three cells`)
      assert.ok(promise !== '' && exactly !== '', 'a row has no empty cell')
      assert.ok(proofsOf(proof).length > 0, `${promise}: names no test`)
      // Whatever does not fit the form would be left unchecked.
      assert.equal(proof.replaceAll(/`[^`]+\.ts`: “[^”]+”|<br>/g, '').trim(), '', `${promise}: ${proof}`)
    }
  })

  test('names a test of its own for every point at which a process can die', () => {
    const points = (['router', 'sender', 'retry', 'scheduler'] as const).flatMap((role) => crashPointsOf(role))
    assert.equal(deaths.length, points.length)
    const proofs = deaths.map((cells) => {
      assert.equal(cells.length, 4)
      const [proof, ...more] = proofsOf(cells[3] ?? '')
      assert.deepEqual(more, [])
      return proof?.title ?? assert.fail(`${cells[0]}: names no test`)
    })
    assert.equal(new Set(proofs).size, points.length)
  })

  for (const { file, title } of [...rows, ...deaths].flatMap((cells) => proofsOf(cells.at(-1) ?? ''))) {
    test(`names a test that exists: ${file}, ${title}`, () => {
      assert.ok(existsSync(join(root, file)), `there is no ${file}`)
      assert.ok(hasTest(readFileSync(join(root, file), 'utf8'), title), `${file} has no test of this title`)
    })
  }
})
