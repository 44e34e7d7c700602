import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readDocument, section, tableRows } from './markdown.ts'
import { assertProof, beyondProofs, proofsOf } from './proofs.ts'

const document = readDocument('docs/security.md')
const headings = ['## The edge: links, pages and app feedback', '## The edge: webhooks', '## Gateway', '## Both doors']
const rows = headings.flatMap((heading) => tableRows(section(document, heading)))

describe('docs/security.md', () => {
  test('says of every threat what stands against it and which test proves that', () => {
    assert.ok(rows.length > 0)
    for (const [threat = '', defence = '', proof = '', ...more] of rows) {
      assert.equal(more.length, 0, `${threat}: a row has three cells`)
      assert.ok(threat !== '' && defence !== '', 'a row has no empty cell')
      assert.ok(proofsOf(proof).length > 0, `${threat}: names no test`)
      assert.equal(beyondProofs(proof), '', `${threat}: ${proof}`)
    }
  })

  for (const proof of rows.flatMap((cells) => proofsOf(cells.at(-1) ?? ''))) {
    test(`names a test that exists: ${proof.file}, ${proof.title}`, () => assertProof(proof))
  }
})
