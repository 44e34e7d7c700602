import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requestBytes } from '../../../src/domain/request-validation.ts'
import { splitRequests } from '../../../src/kafka/produce-request.ts'
import { readTopicFiles } from '../../../src/kafka/topic-files.ts'

/** Offsets, timestamps and lengths that a batch adds to its records. */
const batchHeaderBytes = 100

describe('a request to the broker', () => {
  for (const { name: topic, config } of readTopicFiles({ prefix: 'team-a.' })) {
    const batchMax = Number(config['max.message.bytes'])

    test(`holds no more for one partition than ${topic} accepts, and forgets nothing`, () => {
      for (const bytes of [200, 1_000, 100 * 1024, requestBytes]) {
        const records = Array.from({ length: Math.ceil((3 * batchMax) / bytes) }, (_, index) => ({
          topic,
          key: '42',
          value: Buffer.alloc(bytes, index % 256),
          headers: { 'x-pass': '1' },
        }))
        const requests = splitRequests(records)
        const sizes = requests.map((request) =>
          request.flatMap(({ messages }) => messages).reduce((sum, { value }) => sum + (value?.length ?? 0) + 50, 0),
        )
        assert.ok(Math.max(...sizes) + batchHeaderBytes <= batchMax, `${bytes}: ${Math.max(...sizes)}`)
        const values = requests.flatMap((request) => request.flatMap(({ messages }) => messages))
        assert.deepEqual(
          values.map(({ value }) => value),
          records.map(({ value }) => value),
        )
      }
    })
  }
})
