import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createFaults } from '../../../src/local/simulator/faults.ts'
import { drawLatencyMs, latencySchema, maxLatencyMs, type Latency } from '../../../src/local/simulator/latency.ts'
import { seededRandom } from '../../faults/supervisor/seeded-random.ts'

function draws(latency: Latency, count: number, seed = 1): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => drawLatencyMs(latency, random)).toSorted((one, other) => one - other)
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('the latency of a simulated provider', () => {
  test('is always the same when fixed', () => {
    assert.deepEqual(draws({ kind: 'fixed', ms: 20 }, 3), [20, 20, 20])
  })

  test('fills its span evenly when uniform', () => {
    const values = draws({ kind: 'uniform', fromMs: 100, toMs: 300 }, 4_000)
    assert.ok(values[0]! >= 100 && values[0]! < 105)
    assert.ok(values.at(-1)! <= 300 && values.at(-1)! > 295)
    assert.ok(Math.abs(values[1_000]! - 150) < 10 && Math.abs(values[3_000]! - 250) < 10)
  })

  test('has its mean and a long end when exponential', () => {
    const values = draws({ kind: 'exponential', meanMs: 100 }, 4_000)
    assert.ok(Math.abs(meanOf(values) - 100) < 5)
    // The median of an exponential distribution is its mean times the logarithm of 2.
    assert.ok(Math.abs(values[2_000]! - 69) < 5)
    assert.ok(values.at(-1)! > 500)
  })

  test('is slow for the share of calls in the tail', () => {
    const values = draws({ kind: 'tail', usualMs: 10, slowMs: 900, slowShare: 0.05 }, 4_000)
    const slow = values.filter((value) => value === 900).length
    assert.equal(values.filter((value) => value === 10).length, 4_000 - slow)
    assert.ok(Math.abs(slow - 200) < 50)
  })

  test('never exceeds the longest one', () => {
    assert.equal(
      drawLatencyMs({ kind: 'exponential', meanMs: maxLatencyMs }, () => 0.999),
      maxLatencyMs,
    )
  })

  test('is the same again for the same seed', () => {
    const latency: Latency = { kind: 'exponential', meanMs: 100 }
    assert.deepEqual(draws(latency, 20, 7), draws(latency, 20, 7))
    assert.notDeepEqual(draws(latency, 20, 7), draws(latency, 20, 8))
  })

  test('is refused where it makes no sense', () => {
    assert.ok(!latencySchema.safeParse({ kind: 'uniform', fromMs: 2, toMs: 1 }).success)
    assert.ok(!latencySchema.safeParse({ kind: 'tail', usualMs: 1, slowMs: 2, slowShare: 1.1 }).success)
    assert.ok(!latencySchema.safeParse({ kind: 'fixed', ms: -1 }).success)
  })

  test('adds up over base and rules, each drawn for itself', () => {
    const faults = createFaults({ random: () => 0.5 })
    faults.setBaseLatency('fcm', { kind: 'uniform', fromMs: 0, toMs: 10 })
    faults.add({ provider: 'fcm', fault: { kind: 'latency', ms: 100 } })
    faults.add({
      provider: 'fcm',
      fault: { kind: 'latency', distribution: { kind: 'tail', usualMs: 1_000, slowMs: 2_000, slowShare: 0.4 } },
    })
    assert.deepEqual(faults.encounter({ provider: 'fcm', address: 'x' }), { latencyMs: 1_105, fault: null })
    assert.deepEqual(faults.encounter({ provider: 'apns', address: 'x' }), { latencyMs: 0, fault: null })
  })

  test('is either a number or a distribution', () => {
    const faults = createFaults()
    const fixed = { kind: 'fixed' as const, ms: 1 }
    assert.throws(() => faults.add({ provider: 'fcm', fault: { kind: 'latency', ms: 1, distribution: fixed } }))
    assert.throws(() => faults.add({ provider: 'fcm', fault: { kind: 'latency' } }))
    assert.deepEqual(faults.rules(), [])
  })
})
