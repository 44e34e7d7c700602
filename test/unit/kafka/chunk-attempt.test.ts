import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { faultBackoffMs, settleChunk, type ChunkAttempt } from '../../../src/kafka/chunk-attempt.ts'
import { offsetsBetween, recordsAt } from '../../support/builders/consumed-records.ts'

const away = () => new DependencyUnavailable('postgres', '08006')

interface Given {
  poison?: ReadonlySet<bigint>
  /** Whether this call of any kind meets a dependency that is away. */
  faultAt?(call: number): boolean
  /** Whether this call of `handle` settles, besides a poisonous record, some of the others before it fails. */
  settlesSomeAt?(call: number): boolean
  waitOut?: ChunkAttempt['waitOut']
}

/** A handler that fails as a whole when it meets poison, and all that happened to the records. */
function anAttempt({ poison = new Set(), faultAt = () => false, settlesSomeAt = () => false, waitOut }: Given = {}) {
  const handled = new Map<bigint, number>()
  const deadLettered: bigint[] = []
  const settled = new Set<ConsumedRecord>()
  const chunks: number[] = []
  const waits: number[] = []
  const recoveries: number[] = []
  const failures: number[] = []
  let calls = 0
  const attempt: ChunkAttempt = {
    handle: async (records) => {
      chunks.push(records.length)
      calls += 1
      const isPoison = (record: ConsumedRecord) => poison.has(record.offset)
      const fails = faultAt(calls) || records.some(isPoison)
      const some = settlesSomeAt(calls) ? records.filter((record, index) => index % 2 === 0 && !isPoison(record)) : []
      for (const record of fails ? some : records) {
        settled.add(record)
        handled.set(record.offset, (handled.get(record.offset) ?? 0) + 1)
      }
      if (faultAt(calls)) throw away()
      if (fails) throw new Error('poison')
    },
    unsettled: (records) => records.filter((record) => !settled.has(record)),
    deadLetter: async (record) => {
      calls += 1
      if (faultAt(calls)) throw away()
      deadLettered.push(record.offset)
      settled.add(record)
    },
    failed: (records) => void failures.push(records.length),
    waitOut: async (fault, attempts) => {
      waits.push(attempts)
      return waitOut === undefined ? true : waitOut(fault, attempts)
    },
    recovered: (attempts) => void recoveries.push(attempts),
  }
  return { attempt, handled, deadLettered, settled, chunks, waits, recoveries, failures }
}

const chunkOf = (length: number) => recordsAt(offsetsBetween(0, length))

describe('a chunk', () => {
  test('that goes well is one call', async () => {
    const { attempt, chunks } = anAttempt()
    assert.equal(await settleChunk(chunkOf(500), attempt), true)
    assert.deepEqual(chunks, [500])
  })

  test('with one culprit among 500 dead-letters it alone, after 2 log2 n + 1 calls at most', async () => {
    for (const culprit of [0n, 1n, 249n, 250n, 498n, 499n]) {
      const { attempt, chunks, deadLettered, handled, failures } = anAttempt({ poison: new Set([culprit]) })
      assert.equal(await settleChunk(chunkOf(500), attempt), true)
      assert.deepEqual(deadLettered, [culprit])
      assert.equal(handled.size, 499)
      assert.ok(chunks.length <= 2 * Math.ceil(Math.log2(500)) + 1, `${chunks.length} calls`)
      assert.equal(failures[0], 500)
    }
  })

  test('dead-letters exactly the poison, handles every other record once, whatever is away in between', async () => {
    const sizes = fc.integer({ min: 1, max: 60 })
    const offsets = fc.uniqueArray(fc.nat(59))
    const calls = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(sizes, offsets, calls, calls, async (size, poisoned, faults, partial) => {
        const poison = new Set(poisoned.filter((offset) => offset < size).map(BigInt))
        const { attempt, handled, deadLettered, waits } = anAttempt({
          poison,
          faultAt: (call) => faults.includes(call),
          settlesSomeAt: (call) => partial.includes(call),
        })
        assert.equal(await settleChunk(chunkOf(size), attempt), true)
        assert.deepEqual(new Set(deadLettered), poison)
        assert.equal(deadLettered.length, poison.size, 'dead-lettered twice')
        assert.equal(handled.size, size - poison.size)
        assert.ok(
          [...handled.values()].every((times) => times === 1),
          'handled again although it was settled',
        )
        assert.ok(waits.length <= faults.length)
      }),
    )
  })

  test('never dead-letters while a dependency is away, however long', async () => {
    const { attempt, deadLettered, handled, waits, recoveries, failures } = anAttempt({ faultAt: (call) => call <= 40 })
    assert.equal(await settleChunk(chunkOf(10), attempt), true)
    assert.deepEqual([deadLettered.length, failures.length, handled.size], [0, 0, 10])
    assert.deepEqual(waits, offsetsBetween(1, 41).map(Number))
    assert.deepEqual(recoveries, [40])
  })

  test('is given up where the wait says so, and no neighbour is tried any more', async () => {
    const { attempt, chunks } = anAttempt({
      faultAt: (call) => call >= 2,
      poison: new Set([0n]),
      waitOut: async () => false,
    })
    assert.equal(await settleChunk(chunkOf(8), attempt), false)
    assert.deepEqual(chunks, [8, 4])
  })

  test('is given up as a whole where its later half is', async () => {
    const { attempt } = anAttempt({
      faultAt: (call) => call >= 3,
      poison: new Set([7n]),
      waitOut: async () => false,
    })
    assert.equal(await settleChunk(chunkOf(8), attempt), false)
  })

  test('is tried again, after an outage, with what is left of it', async () => {
    const { attempt, chunks, handled } = anAttempt({
      faultAt: (call) => call === 1,
      settlesSomeAt: (call) => call === 1,
    })
    assert.equal(await settleChunk(chunkOf(8), attempt), true)
    assert.deepEqual(chunks, [8, 4])
    assert.ok([...handled.values()].every((times) => times === 1))
  })

  test('ends with what the wait throws: the group rebalances', async () => {
    const lost = new Error('REBALANCE_IN_PROGRESS')
    const { attempt } = anAttempt({ faultAt: () => true, waitOut: () => Promise.reject(lost) })
    await assert.rejects(settleChunk(chunkOf(8), attempt), lost)
  })

  test('ends with what makes the dead letter impossible', async () => {
    const refused = new Error('MESSAGE_TOO_LARGE')
    const { attempt } = anAttempt({ poison: new Set([3n]) })
    await assert.rejects(settleChunk(chunkOf(8), { ...attempt, deadLetter: () => Promise.reject(refused) }), refused)
  })

  test('does not call the handler for records that were settled before', async () => {
    const { attempt, settled, chunks } = anAttempt()
    const chunk = chunkOf(4)
    for (const record of chunk.slice(1)) settled.add(record)
    await settleChunk(chunk, attempt)
    assert.deepEqual(chunks, [1])
    await settleChunk(chunk, attempt)
    assert.deepEqual(chunks, [1])
  })

  test('dead-letters no record that did not fail in a call of its own', async () => {
    const { attempt, deadLettered, settled, handled } = anAttempt()
    const chunk = chunkOf(2)
    let first = true
    const settlesOneAndFails: ChunkAttempt = {
      ...attempt,
      handle: async (records) => {
        if (!first) return attempt.handle(records)
        first = false
        for (const record of records.slice(1)) settled.add(record)
        throw new Error('not of the record that is left')
      },
    }
    assert.equal(await settleChunk(chunk, settlesOneAndFails), true)
    assert.deepEqual([deadLettered, [...handled.keys()]], [[], [0n]])
  })

  test('is not settled because its handler resolved and forgot a record', async () => {
    const { attempt, deadLettered, settled } = anAttempt()
    const forgetsTheLast: ChunkAttempt = {
      ...attempt,
      handle: async (records) => {
        for (const record of records) if (record.offset !== 3n) settled.add(record)
      },
    }
    assert.equal(await settleChunk(chunkOf(4), forgetsTheLast), true)
    assert.deepEqual(deadLettered, [3n])
  })
})

test('the wait for a lost dependency doubles from 0.1 s to 5 s and stays there', () => {
  assert.deepEqual([1, 2, 3, 6, 7, 1_000_000].map(faultBackoffMs), [100, 200, 400, 3_200, 5_000, 5_000])
})
