import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crashPointsOf } from '../../faults/wiring/crash.ts'
import { readDocument, section, tableRows } from './markdown.ts'
import { assertProof, beyondProofs, proofsOf } from './proofs.ts'

const guarantees = readDocument('docs/guarantees.md')
const rows = tableRows(section(guarantees, '## What is promised'))
const deaths = tableRows(section(guarantees, '## Where a process can die'))

describe('docs/guarantees.md', () => {
  test('says of every promise what it is exactly and which test proves it', () => {
    assert.ok(rows.length > 0)
    for (const [promise = '', exactly = '', proof = '', ...more] of rows) {
      assert.equal(more.length, 0, `${promise}: a row has three cells`)
      assert.ok(promise !== '' && exactly !== '', 'a row has no empty cell')
      assert.ok(proofsOf(proof).length > 0, `${promise}: names no test`)
      // Whatever does not fit the form would be left unchecked.
      assert.equal(beyondProofs(proof), '', `${promise}: ${proof}`)
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

  for (const proof of [...rows, ...deaths].flatMap((cells) => proofsOf(cells.at(-1) ?? ''))) {
    test(`names a test that exists: ${proof.file}, ${proof.title}`, () => assertProof(proof))
  }
})
