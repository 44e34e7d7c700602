/**
 * Tests that a document names as proofs: `file`: “title”.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './markdown.ts'

export interface Proof {
  file: string
  title: string
}

/** As often as the cell has it. Titles hold every character but the closing quotation mark. */
export function proofsOf(cell: string): Proof[] {
  return [...cell.matchAll(/`([^`]+\.ts)`: “([^”]+)”/g)].map(([, file = '', title = '']) => ({ file, title }))
}

/** What of a cell is no proof, which nothing would check. */
export function beyondProofs(cell: string): string {
  return cell.replaceAll(/`[^`]+\.ts`: “[^”]+”|<br>/g, '').trim()
}

export function assertProof({ file, title }: Proof): void {
  assert.ok(existsSync(join(root, file)), `there is no ${file}`)
  assert.ok(hasTest(readFileSync(join(root, file), 'utf8'), title), `${file} has no test of this title`)
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
