import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultLine } from '../../../src/services/templates/template-fault.ts'
import { readTemplateSource } from '../../../src/services/templates/template-source.ts'
import { templateFiles } from '../../support/builders/template-files.ts'

const faultsOf = (changes: Record<string, string | undefined>, templateId = 'back-in-stock') =>
  readTemplateSource(templateId, templateFiles(changes)).faults.map(faultLine)

describe('the folder of a template', () => {
  test('is read as its parts, texts without the line break at their end', () => {
    const { source, faults } = readTemplateSource(
      'back-in-stock',
      templateFiles({ 'ko/sms.txt': '{{ item_name }} 재입고\n\n' }),
    )
    assert.deepEqual(faults, [])
    assert.ok(source !== undefined)
    const { defaultLocale, description, optional, parts, samples } = source
    assert.deepEqual([description, defaultLocale, optional], ['An item is back.', 'en', []])
    assert.deepEqual(samples, [{ name: 'umbrella', data: { item_name: 'Umbrella' } }])
    assert.deepEqual(
      parts.map(({ locale, channel }) => `${locale} ${channel}`),
      ['en push', 'en sms', 'en email', 'ko sms'],
    )
    assert.deepEqual(parts[3], { locale: 'ko', channel: 'sms', body: '{{ item_name }} 재입고' })
    assert.ok(parts[0]?.channel === 'push' && parts[0].deepLink === null)
  })

  test('says all that is wrong at once: file, field, what was expected and what was found', () => {
    const found = faultsOf({
      'template.yaml': 'description: x\ndefaultLocale: english\noptinal: []\nsamples: { one: { a: { b: 1 } } }\n',
      'en/push.yaml': 'title: 2026\nbody: ""\ncallToAction: { title: Go }\n',
      'en/email.txt': undefined,
      'en/email.html': '<p>',
    })
    assert.deepEqual(found, [
      'en/email.html: expected only template.yaml, and push.yaml, sms.txt, email.yaml, email.mjml, email.txt in a folder for each locale, received this file',
      'template.yaml, defaultLocale: expected a locale like en or ko-KR, received "english"',
      'template.yaml, samples.one.a: expected a scalar or a list of flat maps, received {"b":1}',
      'template.yaml, optinal: expected no field of this name, received "optinal"',
      'en/push.yaml, title: expected text, received 2026',
      'en/push.yaml, body: expected text, received ""',
      'en/push.yaml, callToAction.url: expected text, received nothing',
      'en/email.txt: expected a file with text, received no file',
    ])
  })

  const cases: Record<string, [changes: Record<string, string | undefined>, fault: RegExp]> = {
    'without template.yaml': [
      { 'template.yaml': undefined },
      /^template\.yaml: expected a file with text, received no file$/,
    ],
    'with YAML that is none': [
      { 'en/push.yaml': 'title: "x' },
      /^en\/push\.yaml: expected YAML, received Missing closing/,
    ],
    'with a list for a map': [{ 'en/push.yaml': '- x' }, /^en\/push\.yaml: expected title, body .*, received \["x"\]$/],
    'with an empty part': [
      { 'en/sms.txt': ' \n' },
      /^en\/sms\.txt: expected a file with text, received an empty file$/,
    ],
    'with a subject of two lines': [
      { 'en/email.yaml': 'subject: "a\\nb"' },
      /^en\/email\.yaml, subject: expected one line, received "a\\nb"$/,
    ],
    'with a locale in another spelling': [
      { 'ko-kr/sms.txt': 'x' },
      /^ko-kr\/sms\.txt: expected a folder named as a locale, like ko-KR, received "ko-kr"$/,
    ],
    'with a folder that is no locale': [{ 'images_/sms.txt': 'x' }, /expected a folder named as a locale/],
    'with a channel that the default locale does not have': [
      { 'en/sms.txt': undefined, 'ko/sms.txt': 'x' },
      /^en\/: expected a part for sms, which another locale has, in the default locale, received none$/,
    ],
    'without samples': [
      { 'template.yaml': 'description: x\ndefaultLocale: en\nsamples: {}' },
      /^template\.yaml, samples: expected data for the preview, by name, received \{\}$/,
    ],
    'with a part that is too long': [
      { 'en/sms.txt': 'x'.repeat(200_001) },
      /^en\/sms\.txt: expected at most 200000 characters, received 200001$/,
    ],
    'with a character that no database keeps': [{ 'en/sms.txt': 'a\0b' }, /^en\/sms\.txt: expected text, received/],
  }
  for (const [name, [changes, fault]] of Object.entries(cases)) {
    test(`is refused ${name}`, () => {
      const found = faultsOf(changes)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0]!, fault)
    })
  }

  test('is refused under a name that is no id', () => {
    assert.match(faultsOf({}, 'Back in stock')[0]!, /lower-case letters, digits and hyphens, received "Back in stock"/)
  })

  test('is refused without any part', () => {
    const onlyHead = new Map([['template.yaml', templateFiles().get('template.yaml')!]])
    const { faults } = readTemplateSource('bare', onlyHead)
    assert.match(faults.map(faultLine).join('\n'), /^en\/: expected some of push\.yaml, .*, received no part$/)
  })
})
