import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createWatermark } from '../../../src/kafka/watermark.ts'
import { offsetsBetween } from '../../support/builders/consumed-records.ts'

describe('the low watermark', () => {
  test('is nowhere before the first batch', () => {
    const watermark = createWatermark()
    assert.equal(watermark.position(), undefined)
    assert.equal(watermark.tail(), undefined)
  })

  test('stays at the oldest record that is not complete', () => {
    const watermark = createWatermark()
    watermark.deliver([10n, 11n, 12n], 13n)
    watermark.complete(11n)
    watermark.complete(12n)
    assert.equal(watermark.position(), 10n)
    watermark.complete(10n)
    assert.equal(watermark.position(), 13n)
  })

  test('passes a gap at the end of a batch once the batch is complete, and not before', () => {
    const watermark = createWatermark()
    watermark.deliver([10n], 20n)
    assert.equal(watermark.position(), 10n)
    watermark.complete(10n)
    assert.equal(watermark.position(), 20n)
  })

  test('names what of a batch is new when it is delivered again', () => {
    const watermark = createWatermark()
    watermark.deliver([10n, 11n], 12n)
    watermark.complete(10n)
    assert.deepEqual(watermark.deliver([10n, 11n, 12n], 13n), [12n])
    assert.deepEqual([watermark.position(), watermark.tail(), watermark.incomplete()], [11n, 13n, 2])
  })

  test('does not take its tail back for an old batch', () => {
    const watermark = createWatermark()
    watermark.deliver([10n, 11n], 12n)
    watermark.deliver([10n], 11n)
    assert.equal(watermark.tail(), 12n)
  })

  test('counts a completion once, and none of a record that was never delivered', () => {
    const watermark = createWatermark()
    watermark.deliver([10n, 11n], 12n)
    for (const offset of [11n, 11n, 9n, 12n]) watermark.complete(offset)
    assert.equal(watermark.incomplete(), 1)
    assert.equal(watermark.position(), 10n)
  })

  test('measures how far a record lies from it in delivered records, gaps and completed ones included', () => {
    const watermark = createWatermark()
    watermark.deliver([10n, 20n, 30n, 40n], 50n)
    watermark.complete(20n)
    assert.deepEqual([watermark.spanTo(10n), watermark.spanTo(30n), watermark.spanTo(40n)], [1, 3, 4])
    watermark.complete(10n)
    assert.deepEqual([watermark.spanTo(20n), watermark.spanTo(30n)], [0, 1])
  })

  test('keeps its measure over far more records than it holds at once', () => {
    const watermark = createWatermark()
    watermark.deliver(offsetsBetween(0, 10_000), 10_000n)
    for (const offset of offsetsBetween(0, 9_990)) watermark.complete(offset)
    assert.deepEqual([watermark.position(), watermark.spanTo(9_999n), watermark.incomplete()], [9_990n, 10, 10])
    watermark.deliver(offsetsBetween(10_000, 20_000), 20_000n)
    assert.equal(watermark.spanTo(19_999n), 10_010)
  })

  test('agrees with a list of all records, in any order of batches, gaps, repeats and completions', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant('deliver' as const),
          gaps: fc.array(fc.nat(3), { maxLength: 20 }),
          end: fc.nat(3),
        }),
        fc.record({ kind: fc.constant('repeat' as const), from: fc.nat(), count: fc.nat(10) }),
        fc.record({ kind: fc.constant('complete' as const), choice: fc.nat() }),
      ),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(steps, (sequence) => {
        const watermark = createWatermark()
        const all: { offset: bigint; complete: boolean }[] = []
        let next = 0n
        let before: bigint | undefined
        for (const step of sequence) {
          if (step.kind === 'deliver') {
            const offsets = step.gaps.map((gap) => (next += BigInt(gap) + 1n) - 1n)
            next += BigInt(step.end)
            assert.deepEqual(watermark.deliver(offsets, next), offsets)
            all.push(...offsets.map((offset) => ({ offset, complete: false })))
          } else if (step.kind === 'repeat') {
            const start = all.length === 0 ? 0 : step.from % all.length
            const again = all.slice(start, start + step.count).map(({ offset }) => offset)
            if (before !== undefined) assert.deepEqual(watermark.deliver(again, (again.at(-1) ?? -1n) + 1n), [])
          } else if (all.length > 0) {
            const chosen = all[step.choice % all.length]
            if (chosen !== undefined) {
              chosen.complete = true
              watermark.complete(chosen.offset)
            }
          }
          const oldest = all.findIndex((record) => !record.complete)
          const position = watermark.position()
          if (position !== undefined || all.length > 0) {
            assert.equal(position, oldest === -1 ? watermark.tail() : all[oldest]?.offset)
            assert.ok(before === undefined || (position ?? 0n) >= before, 'went back')
          }
          for (const [index, record] of all.entries()) {
            if (!record.complete) assert.equal(watermark.spanTo(record.offset), index - oldest + 1)
          }
          assert.equal(watermark.incomplete(), all.filter((record) => !record.complete).length)
          before = position
        }
        for (const { offset } of all) watermark.complete(offset)
        if (before !== undefined) assert.equal(watermark.position(), next, 'did not end after the last batch')
      }),
    )
  })
})
