import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { startInPlaceConsumer } from '../../src/kafka/in-place-consumer.ts'
import { deadLetterRecord } from '../../src/kafka/dead-letter.ts'
import {
  consumerBasics,
  createHappenings,
  createReported,
  numbered,
  openWorkbench,
  readAll,
} from '../support/kafka-workbench.ts'

describe('a consumer in place', { concurrency: true }, () => {
  test('keeps the order of a partition, works three at once, and commits after each chunk', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 5_000))
    const offsets = new Map<number, bigint[]>()
    let atOnce = 0
    let mostAtOnce = 0
    let handled = 0
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      handle: async (records) => {
        atOnce += 1
        mostAtOnce = Math.max(mostAtOnce, atOnce)
        assert.ok(records.length <= 100)
        assert.equal(new Set(records.map(({ partition }) => partition)).size, 1)
        for (const { partition, offset } of records) {
          const before = offsets.get(partition) ?? []
          before.push(offset)
          offsets.set(partition, before)
        }
        // A turn of the event loop, as any statement takes.
        await new Promise(setImmediate)
        atOnce -= 1
        handled += records.length
        happenings.happened()
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => handled === 5_000)
    await happenings.until('all is committed', () => {
      const latest = new Map(reported.of('committed').map(({ partition, offset }) => [partition, offset]))
      return [...offsets].every(([partition, seen]) => latest.get(partition) === (seen.at(-1) ?? 0n) + 1n)
    })
    assert.equal(mostAtOnce, 3)
    for (const seen of offsets.values())
      assert.deepEqual(
        seen,
        seen.toSorted((one, other) => Number(one - other)),
      )
    assert.deepEqual(await bench.committed(), await bench.ends())
    assert.deepEqual(reported.fatals, [])
  })

  test('survives a chunk that lasts longer than the session', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 100))
    const sessionTimeoutMs = 4_000
    const longUntil = performance.now() + sessionTimeoutMs + 1_500
    const handled: string[] = []
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      sessionTimeoutMs,
      handle: async (records) => {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, longUntil - performance.now())))
        handled.push(...records.map(({ value }) => String(value)))
        happenings.happened()
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => handled.length >= 100)
    await consumer.stop()
    assert.equal(new Set(handled).size, 100)
    assert.equal(handled.length, 100, 'none came twice')
    assert.equal(reported.of('joined').length, 1)
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('isolates one poisonous record of 500 and keeps its bytes and place', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    const deadLetters = `${bench.topic}.dlq`
    await bench.createTopic({ topic: deadLetters, numPartitions: 1 })
    // One key, so that they are one chunk.
    const records = numbered(bench.topic, 0, 500).map((record) => ({ ...record, key: 'one' }))
    await bench.producer.send(records)
    const handled: string[] = []
    const calls: number[] = []
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      chunkSize: 500,
      handle: async (chunk) => {
        calls.push(chunk.length)
        if (chunk.some(({ value }) => String(value) === '321')) throw new Error('the chunk failed')
        handled.push(...chunk.map(({ value }) => String(value)))
      },
      deadLetter: async (record, error) => {
        assert.ok(error instanceof Error)
        await bench.producer.send([deadLetterRecord(deadLetters, record, 'data_error', error.name)])
        return 'data_error'
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('the chunk is done', () => reported.of('completed').some((event) => event.records === 500))
    await consumer.stop()
    const letters = await readAll(bench, deadLetters)
    assert.deepEqual(
      letters.map(({ key, value }) => [String(key), String(value)]),
      [['one', '321']],
    )
    assert.equal(String(letters[0]?.headers?.['x-original-offset']), '321')
    const others = records.map(({ value }) => String(value)).filter((name) => name !== '321')
    assert.deepEqual(handled, others, 'the neighbours, each once and in order')
    assert.ok(calls.length <= 19, `${calls.length} calls`)
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('waits out a dependency that is away for longer than its session, and then goes on', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 1_000))
    // Tries come after 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s.
    const awayUntil = performance.now() + 3_500
    const handled: string[] = []
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      sessionTimeoutMs: 4_000,
      handle: async (records) => {
        if (performance.now() < awayUntil) throw new DependencyUnavailable('postgres', '57P03')
        handled.push(...records.map(({ value }) => String(value)))
        happenings.happened()
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => handled.length >= 1_000)
    assert.equal(new Set(handled).size, 1_000)
    assert.equal(handled.length, 1_000)
    assert.equal(reported.of('joined').length, 1, 'it never left the group')
    assert.deepEqual([reported.of('dead_lettered'), reported.of('chunk_failed'), reported.fatals], [[], [], []])
    await consumer.stop()
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('pauses a partition at a record that is not due, and no other', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 1_000))
    const dueAt = performance.now() + 2_000
    const handled: string[] = []
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      chunkSize: 20,
      handle: async (chunk) => {
        const waiting = chunk.find(({ value }) => String(value) === '500' && performance.now() < dueAt)
        const due = waiting === undefined ? chunk : chunk.slice(0, chunk.indexOf(waiting))
        // Halved down to the record that waits; what lies behind it in other parts has to wait too.
        if (chunk.length > 1 && waiting !== undefined) throw new Error('halve it')
        handled.push(...due.map(({ value }) => String(value)))
        happenings.happened()
        return waiting === undefined ? undefined : { record: waiting, waitMs: dueAt - performance.now() }
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => new Set(handled).size === 1_000)
    assert.ok(performance.now() >= dueAt)
    assert.ok(handled.indexOf('500') >= 900, 'eleven partitions did not wait for the twelfth')
    await consumer.stop()
    const reasons = (kind: 'paused' | 'resumed') => reported.of(kind).map(({ reason }) => reason)
    assert.deepEqual([reasons('paused'), reasons('resumed')], [['not_due'], ['not_due']])
    assert.deepEqual([reported.of('dead_lettered'), reported.fatals], [[], []])
    assert.equal(handled.length, 1_000, 'each once')
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('ends the process, and takes no more, where a record can be neither handled nor dead-lettered', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 100).map((record) => ({ ...record, key: 'one' })))
    const refusal = new Error('refused')
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      chunkSize: 10,
      handle: async (chunk) => {
        if (chunk.some(({ value }) => String(value) === '15')) throw new Error('poison')
      },
      deadLetter: () => Promise.reject(refusal),
    })
    bench.atEnd(consumer.stop)
    await happenings.until('it is fatal', () => reported.fatals.length > 0)
    assert.deepEqual(reported.fatals, [refusal])
    await consumer.stop()
    const committed = [...(await bench.committed()).values()].filter((offset) => offset > 0n)
    assert.deepEqual(committed, [10n], 'what was complete, and nothing after it')
  })

  test('reaches the end, or stays one short of it, where transactions leave marks in the log', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    const { Kafka } = await import('../../src/kafka/kafkajs.ts')
    const sender = new Kafka({ brokers: [...bench.connection.brokers], logLevel: 0 }).producer({
      transactionalId: bench.topic,
      maxInFlightRequests: 1,
    })
    bench.atEnd(() => sender.disconnect())
    await sender.connect()
    for (const outcome of ['commit', 'abort', 'commit'] as const) {
      const transaction = await sender.transaction()
      const messages = Array.from({ length: 24 }, (_, index) => ({ partition: index % 12, value: outcome }))
      await transaction.send({ topic: bench.topic, messages })
      await transaction[outcome]()
    }
    const seen: string[] = []
    const consumer = await startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      handle: async (records) => {
        seen.push(...records.map(({ value }) => String(value)))
        happenings.happened()
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => seen.length === 48)
    await consumer.stop()
    assert.deepEqual(new Set(seen), new Set(['commit']))
    const ends = await bench.ends()
    for (const [partition, offset] of await bench.committed()) {
      assert.ok((ends.get(partition) ?? 0n) - offset <= 1n, `partition ${partition} is at ${offset}`)
    }
  })
})
