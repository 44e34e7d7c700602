import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { readDeliveryHeaders } from '../../../src/domain/record-headers.ts'
import { toConsumedRecord } from '../../../src/kafka/consumed-record.ts'

function aMessage(given: object = {}): KafkaMessage {
  return {
    offset: '9007199254740993',
    timestamp: '1790000000123',
    key: Buffer.from('42'),
    value: null,
    attributes: 0,
    headers: {},
    ...given,
    // The wire holds more than kafkajs's types say.
  } as KafkaMessage
}

describe('a consumed record', () => {
  test('keeps its offset, time, key and value exactly', () => {
    const record = toConsumedRecord('topic', 7, aMessage())
    assert.deepEqual(record, {
      topic: 'topic',
      partition: 7,
      offset: 9_007_199_254_740_993n,
      timestampMs: 1_790_000_000_123,
      key: Buffer.from('42'),
      value: null,
      headers: {},
    })
  })

  test('has no headers where the message has none', () => {
    assert.deepEqual(toConsumedRecord('topic', 0, aMessage({ headers: undefined })).headers, {})
  })

  test('has an empty header where the wire holds one without a value', () => {
    const headers = { 'x-hop': null, many: [null, Buffer.from('b')], text: 'text' }
    const record = toConsumedRecord('topic', 0, aMessage({ headers }))
    assert.deepEqual(record.headers, { 'x-hop': '', many: ['', Buffer.from('b')], text: 'text' })
    assert.equal(readDeliveryHeaders(record.headers), undefined, 'malformed, and no crash')
  })
})
