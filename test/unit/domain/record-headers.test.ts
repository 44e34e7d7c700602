import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { HeaderValue, RecordHeaders } from '../../../src/domain/record.ts'
import {
  deadLetterHeaders,
  deliveryHeaders,
  headerNames,
  readChannelHeader,
  readDeliveryHeaders,
  readPass,
  readRedrives,
  readText,
  redrivenHeaders,
  traceHeaders,
} from '../../../src/domain/record-headers.ts'
import { aConsumedRecord } from '../../support/builders/consumed-records.ts'

const single = fc.oneof(
  fc.string(),
  fc.uint8Array(),
  fc.constantFrom('0', '1', '-1', '1e3', ' 1', '1 ', '٣', '9'.repeat(15), '9'.repeat(16), 'NaN', '0x1', 'ios'),
)
const anyValue: fc.Arbitrary<HeaderValue> = fc.oneof(single, fc.array(single, { maxLength: 3 }), fc.constant(undefined))
const anyHeaders: fc.Arbitrary<RecordHeaders> = fc.dictionary(
  fc.oneof(fc.constantFrom(...Object.values(headerNames)), fc.string()),
  anyValue,
)
const counts = fc.nat(10_000)

describe('the headers of a delivery', () => {
  test('come back as they were written, as text or as bytes', () => {
    const values = fc.record({
      hop: fc.integer({ min: 1, max: 10_000 }),
      attempt: counts,
      dueAtMs: fc.option(fc.nat(2 ** 48)),
      redrives: fc.nat(20),
    })
    fc.assert(
      fc.property(values, fc.boolean(), (given, asBytes) => {
        const headers = { ...given, attempt: Math.min(given.attempt, given.hop) }
        const written = Object.entries(deliveryHeaders(headers))
        const wire = written.map(([name, value]) => [name, asBytes ? Buffer.from(String(value)) : value])
        assert.deepEqual(readDeliveryHeaders(Object.fromEntries(wire)), headers)
      }),
    )
  })

  test('are the router’s first where there are none', () => {
    assert.deepEqual(readDeliveryHeaders({}), { hop: 1, attempt: 0, redrives: 0, dueAtMs: null })
    assert.equal(readPass({}), 0)
  })

  test('are refused where one is malformed', () => {
    for (const headers of [
      { 'x-hop': '0' },
      { 'x-hop': '10001' },
      { 'x-hop': '' },
      { 'x-hop': '1.0' },
      { 'x-hop': '-1' },
      { 'x-hop': Buffer.from([0xff]) },
      { 'x-hop': '2', 'x-attempt': '3' },
      { 'x-attempt': 'one' },
      { 'x-due-at': '9'.repeat(16) },
      { 'x-due-at': 'soon' },
      { 'x-redrive': 'yes' },
    ]) {
      assert.equal(readDeliveryHeaders(headers), undefined, JSON.stringify(headers))
    }
    for (const pass of ['1001', '-1', 'x', '']) assert.equal(readPass({ 'x-pass': pass }), undefined, pass)
  })

  test('are read or refused, never a crash, whatever they hold', () => {
    fc.assert(
      fc.property(anyHeaders, (headers) => {
        const read = readDeliveryHeaders(headers)
        if (read !== undefined) {
          assert.ok(Number.isSafeInteger(read.hop) && read.hop >= 1 && read.hop <= 10_000)
          assert.ok(Number.isSafeInteger(read.attempt) && read.attempt >= 0 && read.attempt <= read.hop)
          assert.ok(read.dueAtMs === null || (Number.isSafeInteger(read.dueAtMs) && read.dueAtMs >= 0))
        }
        const pass = readPass(headers)
        assert.ok(pass === undefined || (Number.isSafeInteger(pass) && pass >= 0 && pass <= 1_000))
        const channel = readChannelHeader(headers)
        assert.ok(channel === undefined || ['ios', 'android', 'sms', 'email'].includes(channel))
        traceHeaders(headers)
        deadLetterHeaders(aConsumedRecord({ headers }), 'bad_header', null)
      }),
    )
  })

  test('are read from the last of several values', () => {
    assert.equal(readText({ 'x-hop': ['1', Buffer.from('2')] }, 'x-hop'), '2')
    assert.equal(readText({ 'x-hop': [] }, 'x-hop'), undefined)
  })
})

describe('the trace', () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  test('is passed on in its standard form only', () => {
    assert.deepEqual(traceHeaders({ traceparent: Buffer.from(trace) }), { traceparent: trace })
    for (const other of [`${trace}\n`, trace.toUpperCase(), trace.slice(1), '', `${trace}-00`]) {
      assert.deepEqual(traceHeaders({ traceparent: other }), {}, other)
    }
  })
})

describe('the headers of a dead letter', () => {
  const record = aConsumedRecord({
    topic: 'source',
    partition: 3,
    offset: 9n,
    timestampMs: 1_700_000_000_000,
    headers: { 'x-hop': '2', custom: Buffer.from([0, 255]) },
  })

  test('are the record’s own, why it is here, and where it lay', () => {
    assert.deepEqual(deadLetterHeaders(record, 'bad_header', 'RangeError'), {
      'x-hop': '2',
      custom: Buffer.from([0, 255]),
      'x-original-topic': 'source',
      'x-original-partition': '3',
      'x-original-offset': '9',
      'x-original-timestamp': '1700000000000',
      'x-reason': 'bad_header',
      'x-error': 'RangeError',
    })
  })

  test('keep the first place of a record that comes from a dead-letter topic', () => {
    const first = deadLetterHeaders(record, 'bad_header', null)
    const again = aConsumedRecord({ topic: 'source.dlq', partition: 0, offset: 1n, headers: first })
    const headers = deadLetterHeaders(again, 'internal_error', null)
    assert.deepEqual(headers, { ...first, 'x-reason': 'internal_error' })
  })
})

describe('the headers of what comes back from the dead letters', () => {
  test('are the source’s own again, with the count raised and nothing of the dead letter', () => {
    const source = aConsumedRecord({ headers: { 'x-pass': '1', custom: Buffer.from([0, 255]), 'x-redrive': '2' } })
    const dead = deadLetterHeaders(source, 'undecodable', 'RangeError')
    assert.deepEqual(redrivenHeaders(dead, 3), { ...source.headers, 'x-redrive': '3' })
    assert.equal(readRedrives(redrivenHeaders(dead, 3)), 3)
  })

  test('count nothing where nobody brought it back, and are refused where the count is none', () => {
    assert.equal(readRedrives({}), 0)
    assert.equal(readRedrives({ 'x-redrive': '1.5' }), undefined)
  })
})
