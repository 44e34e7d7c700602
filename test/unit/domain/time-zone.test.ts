import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTimeZone, possibleZonesOf } from '../../../src/domain/time-zone.ts'

const nobody = { timeZone: null, phoneNumber: null, locale: null }
const zonesOf = (choices: Partial<typeof nobody> | Record<string, string>) =>
  possibleZonesOf({ ...nobody, ...choices }, 'Asia/Tokyo')

describe('a time zone', () => {
  test('has an IANA name, old ones included; an offset is none', () => {
    for (const name of ['Asia/Seoul', 'UTC', 'Asia/Kolkata', 'Asia/Calcutta', 'US/Pacific']) {
      assert.equal(isTimeZone(name), true, name)
    }
    for (const name of ['', 'Mars/Olympus', '+09:00', 'not a zone', 'Asia/Seoul\u0000']) {
      assert.equal(isTimeZone(name), false, name)
    }
  })
})

describe('the clocks of a person', () => {
  test('are those of their own zone, whatever else is known', () => {
    assert.deepEqual(zonesOf({ timeZone: 'Asia/Seoul', phoneNumber: '+4915112345678', locale: 'pt-BR' }), [
      'Asia/Seoul',
    ])
    assert.deepEqual(zonesOf({ timeZone: 'Asia/Kolkata' }), ['Asia/Kolkata'])
  })

  test('are all of their country’s where their zone is unknown: by their number, else by their locale', () => {
    for (const timeZone of [null, 'Mars/Olympus', '']) {
      const known = timeZone === null ? {} : { timeZone }
      assert.deepEqual(zonesOf({ ...known, phoneNumber: '+821012345678', locale: 'en-US' }), ['Asia/Seoul'])
      assert.ok(zonesOf({ ...known, locale: 'en-US' }).includes('America/New_York'))
      assert.ok(zonesOf({ ...known, locale: 'en-US' }).includes('Pacific/Honolulu'))
    }
  })

  test('are the default zone’s where nothing is known', () => {
    for (const choices of [{}, { locale: 'ko' }, { locale: 'not a locale' }, { phoneNumber: '12' }]) {
      assert.deepEqual(zonesOf(choices), ['Asia/Tokyo'])
    }
  })
})
