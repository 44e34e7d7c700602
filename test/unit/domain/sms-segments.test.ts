import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countSmsSegments } from '../../../src/domain/sms-segments.ts'

describe('the segments of an SMS', () => {
  test('hold 160 characters of the GSM alphabet alone and 153 each together', () => {
    assert.equal(countSmsSegments(''), 1)
    assert.equal(countSmsSegments('a'.repeat(160)), 1)
    assert.equal(countSmsSegments('a'.repeat(161)), 2)
    assert.equal(countSmsSegments('a'.repeat(306)), 2)
    assert.equal(countSmsSegments('a'.repeat(307)), 3)
  })

  test('hold half as many characters of the extension table', () => {
    assert.equal(countSmsSegments('€'.repeat(80)), 1)
    assert.equal(countSmsSegments('€'.repeat(81)), 2)
  })

  test('hold 70 code units of any other text alone and 67 each together', () => {
    assert.equal(countSmsSegments('가'.repeat(70)), 1)
    assert.equal(countSmsSegments('가'.repeat(71)), 2)
    assert.equal(countSmsSegments('😀'.repeat(35)), 1)
    assert.equal(countSmsSegments('😀'.repeat(36)), 2)
  })
})
