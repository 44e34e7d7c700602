import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nextHopRecord } from '../../../src/domain/next-hop.ts'
import type { ConsumedRecord, OutgoingRecord, RecordHeaders } from '../../../src/domain/record.ts'
import { jitterShare, nextTry } from '../../../src/domain/retry-ladder.ts'
import { retryRungs, topicNames } from '../../../src/domain/topic-names.ts'
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

const sha256 = (input: Uint8Array) => createHash('sha256').update(input).digest()

/** Follows a delivery that a sender refused at the start until it is back on its channel, looking whenever it may. */
async function followed(dueAtMs: number): Promise<{ atMs: number; rounds: number }> {
  const command = { key: '7', value: Buffer.from('a command'), headers: {}, redrives: 0 }
  const lane = { channel: 'sms', lane: 'bulk' } as const
  const row = { hop: 1, attempt: 1, nextDueAtMs: dueAtMs }
  let { topic, headers } = nextHopRecord({ ...command, ...lane }, row, { topics, nowMs: startMs })
  let nowMs = startMs
  for (let rounds = 1; ; rounds += 1) {
    const record = waiting(headers, { topic, timestampMs: nowMs })
    const notDue = await retryAt(nowMs).retry.handle([record])
    nowMs += notDue?.waitMs ?? 0
    const { retry, published } = retryAt(nowMs)
    assert.equal(await retry.handle([record]), undefined)
    const [next] = published
    assert.ok(next !== undefined)
    if (next.topic === topics.deliveries('sms', 'bulk')) return { atMs: nowMs, rounds }
    topic = next.topic
    headers = next.headers
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

  test('brings back what a provider put off, however long, never early and late by the jitter at most', async () => {
    const longestMs = 24 * 3_600_000
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.integer({ min: 0, max: longestMs }), async (deliveryId, askedMs) => {
        const notBeforeMs = startMs + askedMs
        const { dueAtMs } = nextTry({ deliveryId, hop: 1, attempt: 1, notBeforeMs, nowMs: startMs }, sha256)
        const { atMs, rounds } = await followed(dueAtMs)
        assert.ok(atMs >= notBeforeMs, 'early')
        const firstRung = retryRungs.find(({ delayMs }) => delayMs >= askedMs)
        assert.ok(atMs <= startMs + Math.max(askedMs, firstRung?.delayMs ?? 0) * (1 + jitterShare) + 1, 'late')
        // One for each hour, and the rungs that are shorter on the last stretch.
        assert.ok(rounds <= Math.ceil(askedMs / 3_600_000) + retryRungs.length, `${rounds} rounds`)
      }),
    )
  })

  test('puts what it cannot read into its dead letters, and its neighbours flow', async () => {
    const unreadable = [
      waiting({}),
      waiting({ 'x-due-at': 'soon' }),
      waiting({ ...dueIn(0), 'x-channel': 'pigeon' }),
      waiting({ ...dueIn(0), 'x-hop': '-1' }),
      waiting({ ...dueIn(0), 'x-redrive': 'twice' }),
      // Forged: nothing lives so long, and it would go round for ever.
      waiting(dueIn(8 * 86_400_000)),
      waiting({ 'x-due-at': '999999999999999' }),
    ]
    const { retry, published } = retryAt(startMs)
    assert.equal(await retry.handle([...unreadable, waiting(dueIn(0))]), undefined)
    assert.deepEqual(
      published.map(({ topic }) => topic),
      [...unreadable.map(() => 'notifications.retry.dlq'), 'notifications.sms.bulk'],
    )
  })
})
