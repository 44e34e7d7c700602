import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pickLocale } from '../../../src/domain/template.ts'
import { missingVariables } from '../../../src/domain/template-variables.ts'

describe('the locale of a content', () => {
  const picked = (available: string[], wanted: (string | null)[], defaultLocale = 'en') =>
    pickLocale(
      available.map((locale) => ({ locale })),
      wanted,
      defaultLocale,
    )?.locale

  const cases: [available: string[], wanted: (string | null)[], picked: string | undefined][] = [
    [['en', 'ko', 'ko-KR'], ['ko-KR'], 'ko-KR'],
    [['en', 'ko'], ['ko-KR'], 'ko'],
    [['en', 'zh', 'zh-Hant'], ['zh-Hant-TW'], 'zh-Hant'],
    [['en', 'zh'], ['zh-Hant-TW'], 'zh'],
    [['de', 'en', 'ko'], ['fr'], 'en'],
    [['de', 'en', 'ko'], [null, 'ko'], 'ko'],
    [['de', 'en', 'ko'], ['fr', 'de-AT'], 'de'],
    [['de', 'ko'], ['fr'], 'de'],
    [['en', 'ko-KR'], ['ko'], 'en'],
    [['en'], ['', '-', 'e'], 'en'],
    [['en', 'zh-Hant'], ['ZH-hant-TW'], 'zh-Hant'],
    [['en', 'KO-kr'], ['ko-KR'], 'KO-kr'],
    [[], ['en'], undefined],
  ]
  for (const [available, wanted, expected] of cases) {
    test(`of ${available.join(' ') || 'none'}, wanted ${wanted.join(' ')}, is ${expected}`, () =>
      assert.equal(picked(available, wanted), expected))
  }

  test('is the template’s default before English', () => assert.equal(picked(['en', 'ko'], ['fr'], 'ko'), 'ko'))
})

describe('the variables that an event lacks', () => {
  test('are named in the order in which the template needs them', () => {
    assert.deepEqual(missingVariables({ date: 'today' }, ['item_name', 'date', 'total']), ['item_name', 'total'])
  })

  test('are not those that are null, false, zero or empty', () => {
    const data = { a: null, b: false, c: 0, d: '', e: [] }
    assert.deepEqual(missingVariables(data, ['a', 'b', 'c', 'd', 'e', 'e[].name', 'a[].name']), [])
  })

  test('are fields that one of a list’s maps does not have', () => {
    const lines = [{ name: 'Lamp', price: '9' }, { name: 'Bulb' }]
    assert.deepEqual(missingVariables({ lines }, ['lines', 'lines[].name', 'lines[].price']), ['lines[].price'])
  })

  test('are fields of what is no list', () => {
    assert.deepEqual(missingVariables({ lines: 'Lamp' }, ['lines', 'lines[].name']), ['lines[].name'])
    assert.deepEqual(missingVariables({}, ['lines', 'lines[].name']), ['lines', 'lines[].name'])
  })

  test('are names that every object inherits', () => {
    assert.deepEqual(missingVariables({ lines: [{}] }, ['constructor', 'lines[].toString']), [
      'constructor',
      'lines[].toString',
    ])
  })
})
