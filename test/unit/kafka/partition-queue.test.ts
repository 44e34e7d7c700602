import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { createPartitionQueue } from '../../../src/kafka/partition-queue.ts'
import { offsetsBetween, recordsAt } from '../../support/builders/consumed-records.ts'

const wide = { highMark: 1_000, lowMark: 100, window: 1_000 }
const noneRuns = () => false

function offsetsOf(records: readonly ConsumedRecord[]): bigint[] {
  return records.map(({ offset }) => offset)
}

describe('the queue of a partition', () => {
  test('gives records out in order, each once', () => {
    const queue = createPartitionQueue(wide)
    queue.deliver(recordsAt(offsetsBetween(0, 5)), 5n, noneRuns)
    assert.deepEqual(offsetsOf(queue.take(2)), [0n, 1n])
    assert.deepEqual(offsetsOf(queue.take(9)), [2n, 3n, 4n])
    assert.deepEqual(queue.take(9), [])
  })

  test('drops what was delivered before', () => {
    const queue = createPartitionQueue(wide)
    queue.deliver(recordsAt([0n, 1n]), 2n, noneRuns)
    queue.deliver(recordsAt([0n, 1n, 2n]), 3n, noneRuns)
    assert.deepEqual(offsetsOf(queue.take(9)), [0n, 1n, 2n])
  })

  test('does not start what still runs, but waits for it', () => {
    const queue = createPartitionQueue(wide)
    queue.deliver(recordsAt([0n, 1n, 2n]), 3n, ({ offset }) => offset === 1n)
    assert.deepEqual(offsetsOf(queue.take(9)), [0n, 2n])
    queue.complete(0n)
    queue.complete(2n)
    assert.equal(queue.position(), 1n)
    queue.complete(1n)
    assert.equal(queue.position(), 3n)
  })

  test('gives nothing out beyond the window, and goes on when the watermark moves', () => {
    const queue = createPartitionQueue({ ...wide, window: 3 })
    queue.deliver(recordsAt(offsetsBetween(0, 10)), 10n, noneRuns)
    assert.deepEqual(offsetsOf(queue.take(9)), [0n, 1n, 2n])
    queue.complete(1n)
    queue.complete(2n)
    assert.equal(queue.available(), 0, 'the oldest record still holds the window')
    queue.complete(0n)
    assert.deepEqual(offsetsOf(queue.take(9)), [3n, 4n, 5n])
  })

  test('knows how old its oldest incomplete record is, whether it waits or runs', () => {
    const queue = createPartitionQueue(wide)
    assert.equal(queue.oldestMs(), undefined)
    const records = recordsAt([3n, 5n, 9n]).map((record) => ({ ...record, timestampMs: Number(record.offset) * 100 }))
    queue.deliver(records, 10n, ({ offset }) => offset === 5n)
    assert.equal(queue.oldestMs(), 300)
    queue.take(1)
    queue.complete(9n)
    queue.complete(3n)
    assert.equal(queue.oldestMs(), 500)
    queue.complete(5n)
    assert.equal(queue.oldestMs(), undefined)
  })

  test('counts records that ran before against the window', () => {
    const queue = createPartitionQueue({ ...wide, window: 3 })
    queue.deliver(recordsAt(offsetsBetween(0, 6)), 6n, ({ offset }) => offset === 1n || offset === 2n)
    assert.deepEqual(offsetsOf(queue.take(9)), [0n])
  })

  test('is full from the high mark on and until the low mark', () => {
    const queue = createPartitionQueue({ highMark: 4, lowMark: 2, window: 100 })
    queue.deliver(recordsAt(offsetsBetween(0, 3)), 3n, noneRuns)
    assert.equal(queue.full(), false, 'below the high mark')
    queue.deliver(recordsAt([3n]), 4n, noneRuns)
    assert.equal(queue.full(), true, 'at the high mark')
    queue.take(1)
    assert.equal(queue.full(), true, 'between the marks')
    queue.take(1)
    assert.equal(queue.full(), false, 'at the low mark')
    queue.deliver(recordsAt([4n]), 5n, noneRuns)
    assert.equal(queue.full(), false, 'between the marks again')
  })

  test('keeps order, window, marks and watermark together under any interleaving', () => {
    const limits = fc.record({ window: fc.integer({ min: 1, max: 12 }), highMark: fc.integer({ min: 2, max: 20 }) })
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('deliver' as const), count: fc.nat(8), back: fc.nat(4), runs: fc.nat(7) }),
        fc.record({ kind: fc.constant('take' as const), limit: fc.nat(6) }),
        fc.record({ kind: fc.constant('complete' as const), choice: fc.nat() }),
      ),
      { maxLength: 120 },
    )
    fc.assert(
      fc.property(limits, steps, ({ window, highMark }, sequence) => {
        const lowMark = Math.floor(highMark / 2)
        const queue = createPartitionQueue({ window, highMark, lowMark })
        const running: bigint[] = []
        const incomplete = new Set<bigint>()
        const given = new Set<bigint>()
        let next = 0
        let wasFull = false
        for (const step of sequence) {
          if (step.kind === 'deliver') {
            const offsets = offsetsBetween(Math.max(0, next - step.back), next + step.count)
            const runsAlready = (record: ConsumedRecord) => record.offset % 8n === BigInt(step.runs)
            const records = recordsAt(offsets)
            queue.deliver(records, BigInt(next + step.count), runsAlready)
            for (const record of records.filter(({ offset }) => offset >= BigInt(next))) {
              incomplete.add(record.offset)
              if (runsAlready(record)) running.push(record.offset)
            }
            next += step.count
          } else if (step.kind === 'take') {
            const expected = Math.min(step.limit, queue.available())
            const taken = queue.take(step.limit)
            assert.equal(taken.length, expected)
            for (const { offset } of taken) {
              assert.ok(!given.has(offset) && !running.includes(offset), 'started twice')
              given.add(offset)
              running.push(offset)
              const oldest = queue.position() ?? 0n
              assert.ok(offset - oldest < BigInt(window), 'beyond the window')
            }
          } else if (running.length > 0) {
            const [offset] = running.splice(step.choice % running.length, 1)
            if (offset !== undefined) {
              queue.complete(offset)
              incomplete.delete(offset)
            }
          }
          const oldest = [...incomplete].reduce((least, offset) => (offset < least ? offset : least), BigInt(next))
          if (queue.position() !== undefined) assert.equal(queue.position(), oldest)
          assert.equal(queue.incomplete(), incomplete.size)
          assert.equal(queue.queued(), incomplete.size - running.length)
          if (queue.queued() >= highMark) assert.equal(queue.full(), true)
          else if (queue.queued() <= lowMark) assert.equal(queue.full(), false)
          else assert.equal(queue.full(), wasFull, 'changed between the marks')
          wasFull = queue.full()
        }
      }),
    )
  })
})
