import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCommits } from '../../faults/checker/commit-log.ts'

/** As OffsetCommitKey.json lays it out: version, group, topic, partition. */
function commitKey({ version = 1, group = 'faults.fanfare.router.bulk', topic = 'requested', partition = 3 } = {}) {
  const text = (value: string) => {
    const length = Buffer.alloc(2)
    length.writeInt16BE(value.length)
    return Buffer.concat([length, Buffer.from(value)])
  }
  const bytes = Buffer.alloc(6)
  bytes.writeInt16BE(version)
  bytes.writeInt32BE(partition, 2)
  return Buffer.concat([bytes.subarray(0, 2), text(group), text(topic), bytes.subarray(2)])
}

function commitValue(offset: bigint): Buffer {
  const bytes = Buffer.alloc(30)
  bytes.writeInt16BE(3)
  bytes.writeBigInt64BE(offset, 2)
  return bytes
}

const aRecord = (key: Buffer | null, value: Buffer | null) => ({
  topic: '__consumer_offsets',
  partition: 0,
  offset: '0',
  timestampMs: 1_000,
  key,
  value,
  headers: {},
})

describe('the log of commits', () => {
  test('tells who committed what, and when', () => {
    assert.deepEqual(readCommits([aRecord(commitKey(), commitValue(42n))], 'faults.'), [
      { group: 'faults.fanfare.router.bulk', topic: 'requested', partition: 3, offset: 42n, committedAt: 1_000 },
    ])
  })

  test('leaves out other groups, what is about groups themselves, and what was removed', () => {
    const others = [
      aRecord(commitKey({ group: 'another' }), commitValue(1n)),
      aRecord(commitKey({ version: 2 }), commitValue(1n)),
      aRecord(commitKey(), null),
      aRecord(null, commitValue(1n)),
    ]
    assert.deepEqual(readCommits(others, 'faults.'), [])
  })
})
