import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { deadLetterRecord } from '../../src/kafka/dead-letter.ts'
import { startHandOffConsumer } from '../../src/kafka/hand-off-consumer.ts'
import {
  consumerBasics,
  createHappenings,
  createReported,
  handingOver,
  numbered,
  openWorkbench,
  readAll,
} from '../support/kafka-workbench.ts'

describe('a consumer by hand-off', { concurrency: true }, () => {
  test('lets a slow record hold nothing but the offset and its window', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const { until, happened } = happenings
    const reported = createReported(happenings)
    const slow = { record: '500', told: Promise.withResolvers<void>(), partition: -1, offset: -1n }
    const completed = new Set<string>()
    const started = new Map<number, bigint>()
    await bench.producer.send(numbered(bench.topic, 0, 6_000))
    const consumer = await startHandOffConsumer({
      ...consumerBasics(bench, reported),
      queueLimits: { highMark: 500, lowMark: 100, window: 50 },
      handler: handingOver(async ({ value, partition, offset }) => {
        const name = String(value)
        if ((started.get(partition) ?? -1n) < offset) started.set(partition, offset)
        if (name === slow.record) {
          Object.assign(slow, { partition, offset })
          happened()
          await slow.told.promise
        }
        completed.add(name)
        happened()
      }),
    })
    bench.atEnd(consumer.stop)

    const ends = await bench.ends()
    await until('the slow record runs', () => slow.partition >= 0)
    const beyond = Number((ends.get(slow.partition) ?? 0n) - slow.offset) - 50
    assert.ok(beyond > 100, 'the partition is long enough to tell')
    await until('everything but what lies beyond the window is done', () => completed.size === 6_000 - beyond - 1)
    const others = [...ends].filter(([partition]) => partition !== slow.partition)
    const committedAt = (partition: number) =>
      reported.of('committed').findLast((event) => event.partition === partition)?.offset
    await until('all others are committed', () => others.every(([partition, end]) => committedAt(partition) === end))
    assert.equal((await bench.committed()).get(slow.partition), slow.offset, 'the offset stays at the slow record')
    assert.equal(started.get(slow.partition), slow.offset + 49n, 'nothing runs beyond the window')

    slow.told.resolve()
    await until('all are done', () => completed.size === 6_000)
    await consumer.stop()
    assert.deepEqual(await bench.committed(), ends)
    assert.deepEqual(reported.fatals, [])
    const fetched = reported.of('fetched').reduce((sum, { records }) => sum + records, 0)
    assert.equal(fetched, 6_000, 'every record came once')
  })

  test('isolates one poisonous record of 500, byte for byte and with its place', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    const deadLetters = `${bench.topic}.dlq`
    await bench.createTopic({ topic: deadLetters, numPartitions: 1 })
    const poison = {
      topic: bench.topic,
      key: Buffer.from([0, 255, 128]),
      value: Buffer.from([0xff, 0xfe, 0, 1]),
      headers: { 'x-hop': '3', bytes: Buffer.from([0, 255]), twice: ['a', Buffer.from([128])], empty: '' },
    }
    await bench.producer.send([...numbered(bench.topic, 0, 250), poison, ...numbered(bench.topic, 250, 499)])
    const handled = new Map<string, number>()
    const consumer = await startHandOffConsumer({
      ...consumerBasics(bench, reported),
      chunkSize: 500,
      handler: {
        ...handingOver(() => {}),
        // As a statement over a chunk does: one record fails it as a whole.
        handle: async (records, done) => {
          if (records.some(({ value }) => value?.[0] === 0xff)) throw new Error('the chunk failed')
          for (const record of records) {
            handled.set(String(record.value), (handled.get(String(record.value)) ?? 0) + 1)
            done(record)
          }
        },
      },
      deadLetter: async (record, error) => {
        assert.ok(error instanceof Error)
        await bench.producer.send([deadLetterRecord(deadLetters, record, 'internal_error', error.name)])
        return 'internal_error'
      },
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => reported.of('completed').length === 500)
    await consumer.stop()

    const [letter, ...others] = await readAll(bench, deadLetters)
    assert.equal(others.length, 0)
    assert.ok(letter !== undefined)
    assert.deepEqual([letter.key, letter.value], [poison.key, poison.value])
    const [deadLettered] = reported.of('dead_lettered')
    assert.ok(deadLettered !== undefined)
    const { 'x-original-timestamp': timestamp, ...headers } = letter.headers ?? {}
    assert.match(String(timestamp), /^\d{13}$/)
    assert.deepEqual(headers, {
      'x-hop': Buffer.from('3'),
      bytes: Buffer.from([0, 255]),
      twice: [Buffer.from('a'), Buffer.from([128])],
      empty: Buffer.alloc(0),
      'x-original-topic': Buffer.from(bench.topic),
      'x-original-partition': Buffer.from(String(deadLettered.partition)),
      'x-original-offset': Buffer.from(String(deadLettered.offset)),
      'x-reason': Buffer.from('internal_error'),
      'x-error': Buffer.from('Error'),
    })
    assert.equal(handled.size, 499)
    assert.ok([...handled.values()].every((times) => times === 1))
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('waits out a dependency that is away for longer than its session, and then goes on', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 1_000))
    // Tries come after 0.1, 0.3, 0.7, 1.5, 3.1 and 6.3 s.
    const awayUntil = performance.now() + 3_500
    const handled = new Map<string, number>()
    const consumer = await startHandOffConsumer({
      ...consumerBasics(bench, reported),
      sessionTimeoutMs: 4_000,
      handler: handingOver(({ value }) => {
        if (performance.now() < awayUntil) throw new DependencyUnavailable('postgres', '57P03')
        handled.set(String(value), (handled.get(String(value)) ?? 0) + 1)
      }),
    })
    bench.atEnd(consumer.stop)
    await happenings.until('all are done', () => handled.size === 1_000)
    assert.ok(performance.now() >= awayUntil)
    assert.equal(reported.of('joined').length, 1, 'it never left the group')
    assert.deepEqual([reported.of('dead_lettered'), reported.of('chunk_failed'), reported.fatals], [[], [], []])
    assert.ok(reported.of('dependency_recovered').length > 0)
    const reasons = (kind: 'paused' | 'resumed') => reported.of(kind).filter(({ reason }) => reason === 'fault').length
    assert.ok(reasons('paused') > 0)
    assert.equal(reasons('paused'), reasons('resumed'), 'no partition is left paused')

    await bench.producer.send(numbered(bench.topic, 1_000, 1_100))
    await happenings.until('what came later is done too', () => handled.size === 1_100)
    await consumer.stop()
    assert.deepEqual(await bench.committed(), await bench.ends())
  })
})
