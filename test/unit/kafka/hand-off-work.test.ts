import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import type { ConsumerEvent } from '../../../src/kafka/consumer-event.ts'
import type { HandOffHandler } from '../../../src/kafka/hand-off-handler.ts'
import { createHandOffWork } from '../../../src/kafka/hand-off-work.ts'
import { offsetsBetween, recordsAt } from '../../support/builders/consumed-records.ts'

interface Given {
  records?: readonly ConsumedRecord[]
  handler?: Partial<HandOffHandler>
  deadLetter?: (record: ConsumedRecord) => Promise<'internal_error'>
}

function aWork({ records = recordsAt(offsetsBetween(0, 4)), handler = {}, deadLetter }: Given = {}) {
  let queued = [...records]
  const stopping = new AbortController()
  const events: ConsumerEvent[] = []
  const completed: bigint[] = []
  const released: number[] = []
  const forgotten: ConsumedRecord[] = []
  const holds: string[] = []
  const idle = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<Error>()
  const work = createHandOffWork({
    chunkSize: 2,
    handler: {
      admit: async (wanted) => wanted,
      release: (places) => void released.push(places),
      handle: async (chunk, done) => chunk.forEach(done),
      forget: (record) => void forgotten.push(record),
      holding: () => false,
      ...handler,
    },
    assignment: {
      available: () => queued.length,
      take: (limit) => queued.splice(0, limit),
      complete: ({ offset }) => {
        completed.push(offset)
        if (completed.length === records.length) idle.resolve()
      },
      pauseAll: (reason) => void holds.push(`+${reason}`),
      resumeAll: (reason) => void holds.push(`-${reason}`),
    },
    deadLetter: deadLetter ?? (async () => 'internal_error'),
    report: (event) => void events.push(event),
    fatal: (error) => ended.resolve(error),
    progress: () => {},
    stopping: stopping.signal,
  })
  // A turn later, so that the handlers of a test can see what this returns.
  const pumping = Promise.resolve().then(() => work.pump())
  return {
    work,
    events,
    completed,
    released,
    forgotten,
    holds,
    empty: () => (queued = []),
    allCompleted: idle.promise,
    fatal: ended.promise,
    stop: async () => {
      stopping.abort()
      work.wake()
      await pumping
    },
  }
}

const failure = new Error('poison')

describe('work by hand-off', () => {
  test('starts what was queued before and completes each record on its own', async () => {
    const { allCompleted, completed, work, stop } = aWork()
    await allCompleted
    assert.deepEqual(completed, [0n, 1n, 2n, 3n])
    assert.equal(work.running(), 0)
    await stop()
  })

  test('gives back the places that no record took', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { empty, released, stop } = aWork({
      handler: {
        admit: async (wanted) => {
          // A rebalance takes the queue away while the gate is asked.
          empty()
          resolve()
          return wanted
        },
      },
    })
    await promise
    await stop()
    assert.deepEqual(released, [2])
  })

  test('dead-letters a poisonous record alone and has its place given back', async () => {
    const { allCompleted, events, forgotten, stop } = aWork({
      handler: {
        handle: async (chunk, done) => {
          if (chunk.some(({ offset }) => offset === 1n)) throw failure
          chunk.forEach(done)
        },
      },
    })
    await allCompleted
    const deadLetters = events.flatMap((event) => (event.kind === 'dead_lettered' ? [event.offset] : []))
    assert.deepEqual([deadLetters, forgotten.map(({ offset }) => offset)], [[1n], [1n]])
    await stop()
  })

  test('starts and fetches nothing while a chunk waits for a dependency, then goes on', async () => {
    let calls = 0
    const { allCompleted, holds, events, work, stop } = aWork({
      handler: {
        handle: async (chunk, done) => {
          calls += 1
          if (calls === 1) throw new DependencyUnavailable('postgres', '08006')
          assert.ok(!work.faulty())
          chunk.forEach(done)
        },
      },
    })
    await allCompleted
    assert.deepEqual(holds, ['+fault', '-fault'])
    await stop()
    await work.drained()
    assert.ok(events.some((event) => event.kind === 'dependency_recovered' && event.attempts === 1))
  })

  test('does not even ask for admission while a chunk waits for a dependency', async () => {
    let calls = 0
    let asked = 0
    let askedWhileFaulty = 0
    const { allCompleted, work, stop } = aWork({
      records: recordsAt(offsetsBetween(0, 200)),
      handler: {
        admit: async (wanted) => {
          asked += 1
          if (work.faulty()) askedWhileFaulty += 1
          return wanted
        },
        handle: async (chunk, done) => {
          calls += 1
          if (calls === 1) throw new DependencyUnavailable('postgres', '08006')
          chunk.forEach(done)
        },
      },
    })
    await allCompleted
    assert.ok(asked >= 100)
    assert.equal(askedWhileFaulty, 0)
    await stop()
  })

  test('completes into nothing what ran of a topic that is no more', async () => {
    const first = Promise.withResolvers<() => void>()
    const { work, completed, stop } = aWork({
      records: recordsAt([0n]),
      handler: {
        handle: (chunk, done) => new Promise<void>((resolve) => first.resolve(() => (chunk.forEach(done), resolve()))),
      },
    })
    const finish = await first.promise
    work.forget({ topic: 'topic', partition: 1 })
    assert.equal(work.running(), 1, 'another partition')
    work.forget({ topic: 'topic', partition: 0 })
    assert.equal(work.running(), 0)
    finish()
    await stop()
    await work.drained()
    assert.deepEqual(completed, [])
  })

  test('does not take a record of the same offset for one that runs', async () => {
    const first = Promise.withResolvers<void>()
    const { work, completed, stop } = aWork({
      records: recordsAt([0n]),
      handler: {
        handle: async (_, done) => {
          recordsAt([0n]).forEach(done)
          first.resolve()
          await new Promise(() => {})
        },
      },
    })
    await first.promise
    assert.deepEqual([completed, work.running()], [[], 1])
    await stop()
  })

  test('is fatal where a record can be neither handled nor dead-lettered', async () => {
    const { fatal, work, stop } = aWork({
      records: recordsAt([0n]),
      handler: { handle: () => Promise.reject(failure) },
      deadLetter: () => Promise.reject(new Error('refused')),
    })
    assert.equal((await fatal).message, 'refused')
    assert.equal(work.running(), 1, 'no commit may pass it')
    await stop()
  })

  for (const [name, admit] of [
    ['fails', () => Promise.reject(failure)],
    ['lets nothing in instead of waiting', async () => 0],
  ] as const) {
    test(`is fatal, and no endless loop, where admission ${name}`, async () => {
      const { fatal, stop } = aWork({ handler: { admit } })
      assert.ok((await fatal) instanceof Error)
      await stop()
    })
  }

  test('ends while admission waits', async () => {
    const asked = Promise.withResolvers<void>()
    const { stop, released } = aWork({
      handler: {
        admit: (_, signal) =>
          new Promise((_resolve, reject) => {
            asked.resolve()
            signal.addEventListener('abort', () => reject(signal.reason))
          }),
      },
    })
    await asked.promise
    await stop()
    assert.deepEqual(released, [])
  })
})
