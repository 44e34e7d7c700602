import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { startHandOffConsumer } from '../../src/kafka/hand-off-consumer.ts'
import { startInPlaceConsumer } from '../../src/kafka/in-place-consumer.ts'
import type { RunningConsumer } from '../../src/kafka/running-consumer.ts'
import {
  consumerBasics,
  createHappenings,
  createReported,
  handingOver,
  numbered,
  openWorkbench,
  readAll,
  type Reported,
  type Workbench,
} from '../support/kafka-workbench.ts'

type Work = (record: ConsumedRecord) => Promise<void> | void
type Start = (bench: Workbench, reported: Reported, work: Work) => Promise<RunningConsumer>

const modes: Record<string, Start> = {
  'in place': (bench, reported, work) =>
    startInPlaceConsumer({
      ...consumerBasics(bench, reported),
      handle: async (records) => {
        for (const record of records) await work(record)
      },
    }),
  'by hand-off': (bench, reported, work) =>
    startHandOffConsumer({
      ...consumerBasics(bench, reported),
      // One batch fills its queue, of which a few records start: the next is not fetched before this one is worked.
      queueLimits: { highMark: 10, lowMark: 0, window: 10 },
      handler: handingOver(work),
    }),
}

const recordCount = 480

function textOf({ value }: { value: Uint8Array | null }): string {
  return Buffer.from(value ?? []).toString()
}

/**
 * Commits a position for every partition as a member of the group would. Not by the admin client's `setOffsets`: it seeks
 * before it joins, and our patch of kafkajs forgets such seeks.
 */
async function commit(
  { connection, groupId, topic, ends }: Workbench,
  positionOf: (end: bigint) => bigint,
): Promise<void> {
  const positions = [...(await ends())].map(([partition, end]) => ({
    topic,
    partition,
    offset: String(positionOf(end)),
  }))
  const consumer = createKafka(connection).consumer({ groupId })
  const joined = Promise.withResolvers<void>()
  // Paused, or it would itself fetch from there, and be set back.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    consumer.pause([{ topic }])
    joined.resolve()
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatch: async () => {} })
  await joined.promise
  await consumer.commitOffsets(positions)
  await consumer.disconnect()
}

/** What retention does when its time has come. */
async function deleteBefore({ admin, topic, ends }: Workbench, startOf: (end: bigint) => bigint): Promise<void> {
  const partitions = [...(await ends())].map(([partition, end]) => ({ partition, offset: String(startOf(end)) }))
  await admin.deleteTopicRecords({ topic, partitions })
}

for (const [mode, start] of Object.entries(modes)) {
  describe(`a consumer ${mode} whose position lies outside the log`, { concurrency: true }, () => {
    test('since retention was faster begins at the start of the log, and says so once for each partition', async (t) => {
      const bench = await openWorkbench(t)
      const happenings = createHappenings()
      const reported = createReported(happenings)
      await bench.producer.send(numbered(bench.topic, 0, recordCount))
      await commit(bench, () => 2n)
      await deleteBefore(bench, () => 10n)
      const left = (await readAll(bench, bench.topic)).map(textOf)
      assert.ok(left.length > 0 && left.length < recordCount)

      const seen: string[] = []
      const consumer = await start(bench, reported, (record) => {
        seen.push(textOf(record))
        happenings.happened()
      })
      bench.atEnd(consumer.stop)
      await happenings.until('what is left is read', () => seen.length >= left.length)
      await consumer.stop()
      assert.deepEqual(seen.toSorted(), left.toSorted())
      assert.deepEqual(await bench.committed(), await bench.ends())
      const resets = reported.of('offset_reset')
      assert.deepEqual(new Set(resets.map(({ position }) => position)), new Set([2n]))
      assert.deepEqual(resets.map(({ partition }) => partition).toSorted(numerically), partitionsOf(await bench.ends()))
    })

    test('since the topic is another begins at its start and skips nothing', async (t) => {
      const bench = await openWorkbench(t)
      const happenings = createHappenings()
      const reported = createReported(happenings)
      await bench.producer.send(numbered(bench.topic, 0, recordCount))
      await commit(bench, (end) => end + 100n)

      const seen: string[] = []
      const consumer = await start(bench, reported, (record) => {
        seen.push(textOf(record))
        happenings.happened()
      })
      bench.atEnd(consumer.stop)
      await happenings.until('all is read', () => seen.length >= recordCount)
      await consumer.stop()
      assert.deepEqual(
        seen.map(Number).toSorted(numerically),
        Array.from({ length: recordCount }, (_, index) => index),
      )
      assert.deepEqual(await bench.committed(), await bench.ends())
      const resets = reported.of('offset_reset')
      assert.deepEqual(resets.map(({ partition }) => partition).toSorted(numerically), partitionsOf(await bench.ends()))
    })

    test('since it was slower than retention goes on behind the gap, and says so', async (t) => {
      const bench = await openWorkbench(t)
      const happenings = createHappenings()
      const reported = createReported(happenings)
      const inOnePartition = (from: number, to: number) =>
        numbered(bench.topic, from, to).map((record) => ({ ...record, key: 'one' }))
      await bench.producer.send(inOnePartition(0, 40))

      const seen: string[] = []
      const overtaken = Promise.withResolvers<void>()
      const consumer = await start(bench, reported, async (record) => {
        seen.push(textOf(record))
        happenings.happened()
        await overtaken.promise
      })
      bench.atEnd(consumer.stop)
      await happenings.until('it is at work', () => seen.length > 0)
      await bench.producer.send(inOnePartition(40, 80))
      await deleteBefore(bench, (end) => (end === 80n ? 60n : 0n))
      overtaken.resolve()
      await happenings.until('the end is read', () => seen.includes('79'))
      await consumer.stop()
      const expected = [...numbersFrom(0, 40), ...numbersFrom(60, 80)]
      assert.deepEqual(seen.map(Number).toSorted(numerically), expected)
      assert.deepEqual(
        reported.of('offset_reset').map(({ position }) => position),
        [40n],
      )
      assert.deepEqual(await bench.committed(), await bench.ends())
      assert.deepEqual(reported.of('topic_recreated'), [])
    })
  })
}

function numbersFrom(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

function partitionsOf(positions: ReadonlyMap<number, bigint>): number[] {
  return [...positions.keys()]
}

function numerically(one: number, other: number): number {
  return one - other
}
