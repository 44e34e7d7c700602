import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { createPartitionLags, progressOf, type PartitionLags } from '../../../src/kafka/partition-progress.ts'

const topic = 'topic'
let lags: PartitionLags

beforeEach(() => {
  lags = createPartitionLags()
})

function own(partitions: readonly number[], { sameMember = true } = {}): void {
  lags.assigned({ owned: partitions.map((partition) => ({ topic, partition })), memberId: 'member', sameMember })
}

const fetched = (partition: number, firstOffset: bigint, highWatermark: bigint) =>
  lags.fetched({ topic, partition, firstOffset, highWatermark })
const committed = (partition: number, offset: bigint) => lags.committed({ topic, partition, offset })
const lagOf = () => Object.fromEntries(lags.lags().map(({ partition, lag }) => [partition, lag]))

describe('the lag of a member', () => {
  test('reaches from what is committed to the end that the last fetch told', () => {
    own([0])
    fetched(0, 100n, 150n)
    assert.deepEqual(lagOf(), { 0: 50 })
    assert.equal(committed(0, 120n), 20)
    fetched(0, 140n, 170n)
    assert.deepEqual(lagOf(), { 0: 50 })
    assert.equal(committed(0, 170n), 50)
    assert.deepEqual(lagOf(), { 0: 0 })
  })

  test('is nothing for a partition of which nothing was fetched, and is told all the same', () => {
    own([0, 1])
    fetched(1, 0n, 3n)
    assert.deepEqual(lagOf(), { 0: 0, 1: 3 })
  })

  test('leaves with a lost partition, and begins anew when it comes back', () => {
    own([0, 1])
    fetched(0, 0n, 10n)
    fetched(1, 0n, 20n)
    own([0])
    assert.deepEqual(lagOf(), { 0: 10 })
    own([0, 1])
    assert.deepEqual(lagOf(), { 0: 10, 1: 0 })
    assert.equal(committed(1, 5n), 0, 'nothing is known of where it began')
  })

  test('is counted anew where the member is another one: others may have gone on meanwhile', () => {
    own([0])
    fetched(0, 0n, 10n)
    own([0], { sameMember: false })
    fetched(0, 8n, 10n)
    assert.deepEqual(lagOf(), { 0: 2 })
  })

  test('follows a topic that was made anew', () => {
    own([0])
    fetched(0, 1_000n, 1_010n)
    committed(0, 1_010n)
    fetched(0, 0n, 4n)
    assert.deepEqual(lagOf(), { 0: 4 })
  })
})

test('what is in hand counts for the partitions that are assigned, an abandoned batch together with the new one', () => {
  own([0, 1])
  fetched(0, 0n, 10n)
  const inHand = [
    { topic, partition: 0, queued: 3, running: 1, oldestMs: 200 },
    { topic, partition: 0, queued: 0, running: 2, oldestMs: 100 },
    { topic, partition: 7, queued: 9, running: 9, oldestMs: 1 },
  ]
  assert.deepEqual(
    progressOf(lags.lags(), inHand, ({ partition }) => partition === 1),
    [
      { topic, partition: 0, lag: 10, queued: 3, running: 3, oldestMs: 100, notDue: false },
      { topic, partition: 1, lag: 0, queued: 0, running: 0, oldestMs: undefined, notDue: true },
    ],
  )
})
