import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsumedRecord, OutgoingRecord } from '../../../src/domain/record.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { matches } from '../../../src/services/dead-letters/filter.ts'
import { createDeadLetterGroups } from '../../../src/services/dead-letters/group.ts'
import { createRedriver } from '../../../src/services/dead-letters/redriver.ts'
import { deliveryCommand } from '../../support/builders/commands.ts'
import { deadLetter, requestedDeadLetter } from '../../support/builders/dead-letters.ts'
import { nowMs } from '../../support/builders/requests.ts'
import { storedDelivery } from '../../support/builders/stored-delivery.ts'

describe('a filter', () => {
  test('means by reason, by what the row and the command say, and by time', () => {
    const letter = deadLetter()
    for (const filter of [
      {},
      { reason: 'attempts_exhausted', provider: 'twilio', template: 'receipt', category: 'receipts' },
      { sinceMs: nowMs, untilMs: nowMs + 1 },
    ]) {
      assert.ok(matches(letter, filter), JSON.stringify(filter))
    }
    for (const filter of [
      { reason: 'no_row' },
      { provider: 'sendgrid' },
      { template: 'other' },
      { category: 'other' },
      { sinceMs: nowMs + 1 },
      { untilMs: nowMs },
      { reason: 'attempts_exhausted', provider: 'sendgrid' },
    ]) {
      assert.ok(!matches(letter, filter), JSON.stringify(filter))
    }
  })

  test('does not mean what has no such thing', () => {
    assert.ok(!matches(deadLetter({ row: undefined }), { provider: 'twilio' }))
    assert.ok(!matches(deadLetter({ content: { kind: 'unreadable', reason: 'not_avro' } }), { category: 'receipts' }))
    assert.ok(matches(requestedDeadLetter(), { category: 'receipts' }))
  })
})

test('groups count what is alike, the largest first, with its span and the newest of it', () => {
  const groups = createDeadLetterGroups()
  groups.add(requestedDeadLetter())
  for (const [timestampMs, offset] of [
    [nowMs + 5, 3n],
    [nowMs + 9, 1n],
    [nowMs - 5, 2n],
  ] as const) {
    groups.add(deadLetter({ letter: { timestampMs, partition: 2, offset } }))
  }
  const [first, second, ...more] = groups.list()
  assert.deepEqual(first, {
    queue: 'sms',
    reason: 'attempts_exhausted',
    provider: 'twilio',
    template: 'receipt',
    category: 'receipts',
    count: 3,
    oldestMs: nowMs - 5,
    newestMs: nowMs + 9,
    example: { partition: 2, offset: 1n },
  })
  assert.deepEqual([second?.queue, second?.reason, second?.count], ['requested', 'unknown_schema_id', 1])
  assert.deepEqual(more, [])
})

describe('a redriver', () => {
  const records: ConsumedRecord[] = [
    deadLetter().record,
    deadLetter({ letter: { headers: { 'x-reason': 'no_row' } } }).record,
    deadLetter({ letter: { headers: { 'x-reason': 'attempts_exhausted', 'x-redrive': '3' } } }).record,
  ]

  function redriver(publish: (records: readonly OutgoingRecord[]) => Promise<void>) {
    return createRedriver(
      { queue: 'sms', filter: { reason: 'attempts_exhausted' }, redrivesMax: 3 },
      {
        decode: (_, values) => Promise.resolve(values.map(() => ({ kind: 'command', command: deliveryCommand() }))),
        loadDeliveries: () => Promise.resolve(new Map([[deliveryCommand().deliveryId, storedDelivery()]])),
        topics: topicNames(),
        publish,
        now: () => nowMs,
      },
    )
  }

  test('publishes what is meant and may go, and counts why the rest stays', async () => {
    const published: OutgoingRecord[] = []
    const own = redriver((outgoing) => Promise.resolve(void published.push(...outgoing)))
    assert.equal(await own.take(records), 1)
    assert.equal(published.length, 1)
    const { read, redriven, not_meant: notMeant, looping } = own.counts()
    assert.deepEqual({ read, redriven, notMeant, looping }, { read: 3, redriven: 1, notMeant: 1, looping: 1 })
  })

  test('is not done with a chunk whose records are not acknowledged', async () => {
    const own = redriver(() => Promise.reject(new Error('refused')))
    await assert.rejects(own.take(records), /refused/)
    assert.equal(own.counts().redriven, 0)
  })
})
