import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contactRules, faultyContactField, type ContactData } from '../../../src/domain/contact-data.ts'
import { minuteOfDay, timeOfDay, timeOfDayForm } from '../../../src/domain/time-of-day.ts'
import { isUserId, parseUserId, userIdMax } from '../../../src/domain/user-id.ts'

const ada: ContactData = {
  email: 'ada@example.com',
  phoneNumber: '+14155552671',
  locale: 'zh-Hant-TW',
  timeZone: 'America/Argentina/Buenos_Aires',
}

describe('contact data', () => {
  test('is right field by field, and null everywhere is right too', () => {
    assert.equal(faultyContactField(ada), undefined)
    assert.equal(faultyContactField({ email: null, phoneNumber: null, locale: null, timeZone: null }), undefined)
    for (const field of ['email', 'phoneNumber', 'locale', 'timeZone'] as const) {
      assert.equal(faultyContactField({ ...ada, [field]: '' }), field)
      assert.equal(faultyContactField({ ...ada, [field]: 'a b' }), field)
    }
  })

  test('has names of time zones and not offsets, which know no summer', () => {
    const { accepts } = contactRules.timeZone
    assert.deepEqual(['UTC', 'Europe/Kyiv', 'Asia/Calcutta', 'Etc/GMT+5'].map(accepts), [true, true, true, true])
    assert.deepEqual(['+09:00', '-0500', 'Nowhere/Land', 'Asia/Seoul\u0000'].map(accepts), [false, false, false, false])
  })

  test('has locales that fit a column and a header', () => {
    const { accepts } = contactRules.locale
    assert.equal(accepts(`en-x-${'a-'.repeat(40)}a`), false)
    assert.equal(accepts('ko-KR-u-ca-dangi'), true)
  })
})

describe('times of the day', () => {
  test('are two digits and two, from midnight to a minute before it', () => {
    for (const text of ['00:00', '09:05', '23:59']) {
      assert.match(text, timeOfDayForm)
      assert.equal(timeOfDay(minuteOfDay(text)), text)
    }
    assert.deepEqual(['00:00', '09:05', '23:59'].map(minuteOfDay), [0, 545, 1_439])
    for (const text of ['24:00', '9:05', '12:60', '12:00:00', ' 12:00', '']) assert.doesNotMatch(text, timeOfDayForm)
  })
})

describe('ids of people', () => {
  test('are positive, and below what Avro and JSON round', () => {
    assert.deepEqual([1, userIdMax].map(isUserId), [true, true])
    assert.deepEqual([0, -1, 1.5, NaN, userIdMax + 1].map(isUserId), [false, false, false, false, false])
  })

  test('as text are decimal digits and nothing else: one person, one key', () => {
    assert.deepEqual(['1', String(userIdMax)].map(parseUserId), [1, userIdMax])
    for (const text of [
      '',
      '0',
      '01',
      '+1',
      '1.0',
      '1e3',
      '0x1',
      ' 1',
      '１',
      '9007199254740991',
      '99999999999999999',
    ]) {
      assert.equal(parseUserId(text), undefined, text)
    }
  })
})
