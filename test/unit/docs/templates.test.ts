import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { smsCharactersMax } from '../../../src/domain/sms-segments.ts'
import { compileTemplate } from '../../../src/services/templates/compile.ts'
import { memoryLimit, parseLimit, renderLimitMs } from '../../../src/services/templates/liquid.ts'
import { partFiles } from '../../../src/services/templates/template-source.ts'
import { emailHtmlBytesMax, pushPayloadBytesMax } from '../../../src/services/templates/trial.ts'
import { firstWords, readDocument, section, tableRows } from './markdown.ts'

const document = readDocument('docs/templates.md')
const thousands = new Intl.NumberFormat('en')

describe('docs/templates.md', () => {
  test('lists the files of a locale', () => {
    const [files] = document.text.split('`template.yaml`:')
    assert.deepEqual(firstWords({ path: document.path, text: files ?? '' }).toSorted(), partFiles.toSorted())
  })

  test('states the limits as the code has them', () => {
    const limits = tableRows(section(document, '## Limits')).map(([, limit]) => limit)
    assert.deepEqual(limits, [
      `${thousands.format(parseLimit)} characters`,
      `${renderLimitMs} ms, ${thousands.format(memoryLimit)} objects and characters`,
      `${thousands.format(smsCharactersMax)} characters`,
      `${thousands.format(pushPayloadBytesMax)} bytes`,
      `${thousands.format(emailHtmlBytesMax)} bytes`,
    ])
  })

  test('shows a template.yaml that is one, with the fields that it lists', async () => {
    const [, yaml = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(document.text) ?? []
    const [, table = ''] = document.text.split('`template.yaml`:')
    const listed = firstWords({ path: document.path, text: table.split('```')[0] ?? '' })
    assert.deepEqual(Object.keys(parse(yaml) as object).toSorted(), listed.toSorted())
    const text =
      '{{ order_id }}{{ total }}{% if customer_name %}x{% endif %}{% for line in lines %}{% if line.note %}x{% endif %}{% endfor %}'
    const files = new Map([
      ['template.yaml', yaml],
      ['en/sms.txt', text],
    ])
    assert.equal((await compileTemplate('order-receipt', files)).kind, 'compiled')
  })
})
