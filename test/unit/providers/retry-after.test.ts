import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { notBeforeOfRetryAfter, notBeforeOfUnixSeconds } from '../../../src/providers/retry-after.ts'

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)

test('Retry-After is a number of seconds or an HTTP date', () => {
  assert.equal(notBeforeOfRetryAfter('30', nowMs), nowMs + 30_000)
  assert.equal(notBeforeOfRetryAfter('0', nowMs), nowMs)
  assert.equal(notBeforeOfRetryAfter('Fri, 02 Jan 2026 03:05:05 GMT', nowMs), nowMs + 60_000)
})

test('a moment in Unix seconds is taken as it is', () => {
  assert.equal(notBeforeOfUnixSeconds(String(nowMs / 1000 + 7), nowMs), nowMs + 7_000)
})

test('what is absent, malformed, past or more than a day ahead says nothing', () => {
  for (const header of [
    undefined,
    '',
    'soon',
    '-1',
    '1.5',
    '86401',
    '9'.repeat(400),
    'Fri, 02 Jan 2026 03:04:04 GMT',
  ]) {
    assert.equal(notBeforeOfRetryAfter(header, nowMs), undefined, header)
  }
  for (const header of [undefined, '', '12s', String(nowMs / 1000 - 1), String(nowMs / 1000 + 86_401)]) {
    assert.equal(notBeforeOfUnixSeconds(header, nowMs), undefined, header)
  }
})

test('no header of any form leads into the past or beyond a day', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.nat().map(String)), (header) => {
      for (const read of [notBeforeOfRetryAfter, notBeforeOfUnixSeconds]) {
        const notBeforeMs = read(header, nowMs) ?? nowMs
        assert.ok(notBeforeMs >= nowMs && notBeforeMs <= nowMs + 86_400_000)
      }
    }),
  )
})
