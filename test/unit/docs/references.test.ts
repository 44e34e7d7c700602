import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { anchors, codeLines, inlineCode, links, readDocument, readDocuments, root, section } from './markdown.ts'

/** A path of the tree in running text: not a pattern, not a command. */
const pathForm = /^(src|test|docs|topics|avro|migrations|k8s|bench|examples)\/[\w./-]*$/

describe('the documents', () => {
  for (const document of readDocuments()) {
    test(`lead where something is: ${document.path}`, () => {
      for (const { file, anchor } of links(document)) {
        const target = file === '' ? document.path : join(dirname(document.path), file)
        assert.ok(existsSync(join(root, target)), `${target} does not exist`)
        if (anchor !== undefined) {
          assert.ok(anchors(readDocument(target)).includes(anchor), `${target} has no heading #${anchor}`)
        }
      }
    })

    test(`name paths that exist: ${document.path}`, () => {
      for (const path of inlineCode(document).filter((code) => pathForm.test(code))) {
        assert.ok(existsSync(join(root, path)), `${path} does not exist`)
      }
    })
  }

  test('draw the tree as it is', () => {
    const lines = codeLines(section(readDocument('README.md'), '## Layout'), 'text')
    assert.ok(lines.length > 0)
    for (const line of lines) {
      const [path = ''] = line.split(/\s/)
      assert.ok(existsSync(join(root, path)), `${path} does not exist`)
    }
  })
})
