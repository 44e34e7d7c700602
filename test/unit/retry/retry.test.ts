import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsumedRecord, OutgoingRecord, RecordHeaders } from '../../../src/domain/record.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { createRetry } from '../../../src/services/retry/retry.ts'

const topics = topicNames()
const startMs = 1_800_000_000_000

/** A retry service whose clock stands where the test puts it. */
function retryAt(nowMs: number) {
  const published: OutgoingRecord[] = []
  const retry = createRetry('bulk', {
    publish: async (records) => {
      await Promise.resolve()
      published.push(...records)
    },
    deadLetter: (topic, record, reason) => ({ ...record, topic, headers: { ...record.headers, 'x-reason': reason } }),
    topics,
    now: () => nowMs,
    observe: () => {},
  })
  return { retry, published }
}

let offset = 0n
/** A record that came to the 10-second rung at the start. */
function waiting(headers: RecordHeaders, choices: Partial<ConsumedRecord> = {}): ConsumedRecord {
  offset += 1n
  return {
    topic: topics.retry('bulk', '10s'),
    partition: 0,
    offset,
    timestampMs: startMs,
    key: Buffer.from('7'),
    value: Buffer.from(`value ${offset}`),
    headers: { 'x-hop': '2', 'x-attempt': '1', 'x-channel': 'sms', ...headers },
    ...choices,
  }
}
const dueIn = (ms: number) => ({ 'x-due-at': String(startMs + ms) })

describe('the retry service', () => {
  test('forwards what is due to its channel, byte for byte and with its headers', async () => {
    const record = waiting(dueIn(10_000))
    const { retry, published } = retryAt(startMs + 10_000)
    assert.equal(await retry.handle([record]), undefined)
    assert.deepEqual(published, [
      { topic: 'notifications.sms.bulk', key: record.key, value: record.value, headers: record.headers },
    ])
  })

  test('stops at the first record that is not due and says how long it has to wait', async () => {
    const records = [waiting(dueIn(10_000)), waiting(dueIn(10_500)), waiting(dueIn(10_000))]
    const { retry, published } = retryAt(startMs + 10_100)
    assert.deepEqual(await retry.handle(records), { record: records[1], waitMs: 400 })
    assert.equal(published.length, 1)
  })

  test('lets what is due beyond the last rung go round it, and never forwards it early', async () => {
    const rung = topics.retry('bulk', '1h')
    const record = waiting(dueIn(3 * 3_600_000), { topic: rung })
    const early = retryAt(startMs + 3_599_000)
    assert.deepEqual(await early.retry.handle([record]), { record, waitMs: 1_000 })
    const round = retryAt(startMs + 3_600_000)
    assert.equal(await round.retry.handle([record]), undefined)
    assert.deepEqual(
      round.published.map(({ topic }) => topic),
      [rung],
    )
    const again = { ...record, timestampMs: startMs + 7_200_000 }
    const last = retryAt(startMs + 3 * 3_600_000)
    await last.retry.handle([again])
    assert.equal(last.published[0]?.topic, 'notifications.sms.bulk')
  })

  test('puts what it cannot read into its dead letters, and its neighbours flow', async () => {
    const unreadable = [
      waiting({}),
      waiting({ 'x-due-at': 'soon' }),
      waiting({ ...dueIn(0), 'x-channel': 'pigeon' }),
      waiting({ ...dueIn(0), 'x-hop': '-1' }),
    ]
    const { retry, published } = retryAt(startMs)
    assert.equal(await retry.handle([...unreadable, waiting(dueIn(0))]), undefined)
    assert.deepEqual(
      published.map(({ topic }) => topic),
      [...unreadable.map(() => 'notifications.retry.dlq'), 'notifications.sms.bulk'],
    )
  })
})
