import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readDocument, root, section, tableRows } from './markdown.ts'

const rows = tableRows(section(readDocument('docs/guarantees.md'), '## What is promised'))

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

  for (const { file, title } of rows.flatMap(([, , proof = '']) => proofsOf(proof))) {
    test(`names a test that exists: ${file}, ${title}`, () => {
      assert.ok(existsSync(join(root, file)), `there is no ${file}`)
      assert.ok(hasTest(readFileSync(join(root, file), 'utf8'), title), `${file} has no test of this title`)
    })
  }
})
