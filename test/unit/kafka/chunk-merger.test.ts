import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { mergeChunks } from '../../../src/kafka/chunk-merger.ts'

function chunk(partition: number, count: number): ConsumedRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: 't',
    partition,
    offset: BigInt(index),
    timestampMs: 0,
    key: null,
    value: null,
    headers: {},
  }))
}
const places = (records: readonly ConsumedRecord[]) => records.map(({ partition, offset }) => `${partition}/${offset}`)

describe('the chunk merger', () => {
  test('handles what comes in one turn together, each chunk whole', async () => {
    const handled: string[][] = []
    const handle = mergeChunks({
      handle: async (records) => void handled.push(places(records)),
      recordsMax: 500,
      concurrency: 3,
    })
    await Promise.all([handle(chunk(0, 2)), handle(chunk(1, 1)), handle(chunk(2, 1))])
    assert.deepEqual(handled, [['0/0', '0/1', '1/0', '2/0']])
  })

  test('keeps to its limits: records together, and merged chunks at once', async () => {
    const releases: (() => void)[] = []
    const sizes: number[] = []
    const handle = mergeChunks({
      handle: (records) => {
        sizes.push(records.length)
        return new Promise((resolve) => releases.push(resolve))
      },
      recordsMax: 5,
      concurrency: 2,
    })
    const all = Promise.all([3, 2, 4, 9, 1].map((count, partition) => handle(chunk(partition, count))))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(sizes, [5, 4])
    while (sizes.length < 4 || releases.length > 0) {
      releases.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await all
    assert.deepEqual(sizes, [5, 4, 9, 1])
  })

  test('blames nobody for another’s record', async () => {
    const handle = mergeChunks({
      handle: async (records) => {
        await Promise.resolve()
        if (records.some(({ partition }) => partition === 1)) throw new Error('culprit')
      },
      recordsMax: 500,
      concurrency: 1,
    })
    const results = await Promise.allSettled([0, 1, 2].map((partition) => handle(chunk(partition, 2))))
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })

  test('asks an absent dependency once, and tells everybody', async () => {
    let asked = 0
    const handle = mergeChunks({
      handle: async () => {
        asked += 1
        await Promise.resolve()
        throw new DependencyUnavailable('postgres', '57P01')
      },
      recordsMax: 500,
      concurrency: 1,
    })
    const results = await Promise.allSettled([0, 1, 2].map((partition) => handle(chunk(partition, 2))))
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.equal(asked, 1)
  })

  test('forgets no chunk that comes in the very step in which another ended', { timeout: 5_000 }, async () => {
    const handle = mergeChunks({ handle: () => Promise.resolve(), recordsMax: 1, concurrency: 1 })
    for (let turns = 0; turns < 30; turns += 1) {
      let ended = handle(chunk(0, 1))
      for (let turn = 0; turn < turns; turn += 1) ended = ended.then(() => {})
      await ended.then(() => handle(chunk(1, 1)))
    }
  })
})
