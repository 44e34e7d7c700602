import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linkPaths } from '../../../src/domain/message-links.ts'
import { linkAgeLimitMs, type LinkKind } from '../../../src/domain/signed-link.ts'
import { defaultBufferLimits } from '../../../src/services/edge/feedback-buffer.ts'
import { appReportsMax } from '../../../src/services/edge/app-feedback.ts'
import { readerUrlNames } from '../../../src/services/templates/liquid.ts'
import { readDocument, section, tableRows } from './markdown.ts'

const document = readDocument('docs/edge.md')
const dayMs = 86_400_000
const thousands = new Intl.NumberFormat('en')

describe('docs/edge.md', () => {
  test('lists the kinds of links with their paths and ages', () => {
    const listed = tableRows(section(document, '### What a link says')).map(([kind, path, , age]) => [kind, path, age])
    const paths: Partial<Record<LinkKind, string>> = linkPaths
    const known = Object.entries(linkAgeLimitMs).map(([kind, limitMs]) => {
      const path = paths[kind as LinkKind]
      return [`\`${kind}\``, path === undefined ? 'none' : `\`${path}\``, `${limitMs / dayMs} days`]
    })
    assert.deepEqual(listed, known)
  })

  test('states the limits as the code has them', () => {
    const { reportsMax, reservedReports } = defaultBufferLimits
    assert.ok(
      document.text.includes(
        `${thousands.format(reportsMax)} of them, of which ${thousands.format(reservedReports)} are kept`,
      ),
    )
    assert.ok(document.text.includes(`At most ${appReportsMax} reports a request`))
  })

  test('names the variables of templates as they are', () => {
    for (const name of Object.values(readerUrlNames)) {
      assert.ok(document.text.includes(`{{ ${name} }}`), name)
      assert.ok(readDocument('docs/templates.md').text.includes(`**\`${name}\`**`), name)
    }
  })
})
