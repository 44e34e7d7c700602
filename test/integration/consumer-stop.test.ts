import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startHandOffConsumer } from '../../src/kafka/hand-off-consumer.ts'
import { startInPlaceConsumer } from '../../src/kafka/in-place-consumer.ts'
import {
  consumerBasics,
  createHappenings,
  createReported,
  handingOver,
  numbered,
  openWorkbench,
} from '../support/kafka-workbench.ts'

const never = new Promise<void>(() => {})

/** Of the drain budget, the last commit and the leave, with room for a busy machine. */
const longestStopMs = 6_000

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

describe('a consumer that stops', { concurrency: true }, () => {
  test('by hand-off leaves a record that never ends behind, commits what is complete, and passes nothing', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 2_000))
    const completed = new Set<string>()
    let hung = { partition: -1, offset: -1n }
    const consumer = await startHandOffConsumer({
      ...consumerBasics(bench, reported),
      drainBudgetMs: 500,
      handler: handingOver(async ({ value, partition, offset }) => {
        if (String(value) === '700') {
          hung = { partition, offset }
          await never
        }
        completed.add(String(value))
        happenings.happened()
      }),
    })
    await happenings.until('all others are done', () => completed.size === 1_999)
    const stopMs = await timed(consumer.stop)
    assert.ok(stopMs >= 450, 'it gave the record its time')
    assert.ok(stopMs < longestStopMs, `${stopMs} ms`)
    assert.deepEqual(reported.of('stopped'), [{ kind: 'stopped', drained: false, abandonedRecords: 1 }])
    const expected = await bench.ends()
    const left = Number((expected.get(hung.partition) ?? 0n) - hung.offset)
    expected.set(hung.partition, hung.offset)
    assert.deepEqual(await bench.committed(), expected)

    const again: string[] = []
    const next = await startHandOffConsumer({
      ...consumerBasics(bench, createReported(happenings)),
      handler: handingOver(({ value }) => {
        again.push(String(value))
        happenings.happened()
      }),
    })
    bench.atEnd(next.stop)
    await happenings.until('the next member does what was left', () => again.length === left)
    assert.equal(again[0], '700')
    await next.stop()
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('in place leaves a chunk that never ends behind and hands its partitions on before the session is over', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const reported = createReported(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 1_000))
    const basics = { ...consumerBasics(bench, reported), sessionTimeoutMs: 20_000, drainBudgetMs: 500, chunkSize: 20 }
    const first: string[] = []
    let hangs = 0
    const consumer = await startInPlaceConsumer({
      ...basics,
      handle: async (chunk) => {
        if (chunk.some(({ value }) => String(value) === '700')) {
          hangs += 1
          await never
        }
        first.push(...chunk.map(({ value }) => String(value)))
        happenings.happened()
      },
    })
    await happenings.until('it hangs', () => hangs === 1)
    const stopMs = await timed(consumer.stop)
    assert.ok(stopMs < longestStopMs, `${stopMs} ms`)
    assert.deepEqual(
      reported.of('stopped').map(({ drained, abandonedRecords }) => [drained, abandonedRecords <= 20]),
      [[false, true]],
    )

    const second: string[] = []
    let next: Awaited<ReturnType<typeof startInPlaceConsumer>> | undefined
    const joinMs = await timed(async () => {
      next = await startInPlaceConsumer({
        ...basics,
        ...createReported(happenings),
        handle: async (chunk) => {
          second.push(...chunk.map(({ value }) => String(value)))
          happenings.happened()
        },
      })
    })
    bench.atEnd(async () => next?.stop())
    assert.ok(joinMs < 10_000, `${joinMs} ms: the session lasts 20 s`)
    await happenings.until('all are done', () => new Set([...first, ...second]).size === 1_000)
    assert.ok(second.includes('700'))
    const repeats = second.filter((name) => first.includes(name))
    assert.deepEqual(repeats, [], 'what was complete was committed')
    await next?.stop()
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  for (const mode of ['by hand-off', 'in place'] as const) {
    test(`${mode} finishes what runs, commits it, and stops once however often it is told`, async (t) => {
      const bench = await openWorkbench(t)
      const happenings = createHappenings()
      const reported = createReported(happenings)
      await bench.producer.send(numbered(bench.topic, 0, 1_000))
      const gate = Promise.withResolvers<void>()
      const done: bigint[] = []
      let began = 0
      const work = async (count: number) => {
        began += count
        happenings.happened()
        await gate.promise
      }
      const consumer =
        mode === 'in place'
          ? await startInPlaceConsumer({
              ...consumerBasics(bench, reported),
              handle: async (chunk) => {
                await work(chunk.length)
                done.push(...chunk.map(({ offset }) => offset))
              },
            })
          : await startHandOffConsumer({
              ...consumerBasics(bench, reported),
              handler: handingOver(async ({ offset }) => {
                await work(1)
                done.push(offset)
              }),
            })
      await happenings.until('it works', () => began > 0)
      const stops = [consumer.stop(), consumer.stop()]
      assert.equal(stops[0], stops[1])
      gate.resolve()
      await Promise.all(stops)
      await consumer.stop()
      assert.deepEqual(reported.of('stopped'), [{ kind: 'stopped', drained: true, abandonedRecords: 0 }])
      assert.equal(done.length, began)
      const committed = [...(await bench.committed()).values()].reduce((sum, offset) => sum + offset, 0n)
      assert.equal(committed, BigInt(began), 'what was begun is committed, and nothing else')
    })

    test(`${mode} stops while another member joins, and loses nothing`, async (t) => {
      const bench = await openWorkbench(t)
      const happenings = createHappenings()
      const records = 3_000
      await bench.producer.send(numbered(bench.topic, 0, records))
      const done = new Map<string, number>()
      const complete = (name: string) => {
        done.set(name, (done.get(name) ?? 0) + 1)
        happenings.happened()
      }
      const start = () => {
        const reported = createReported(happenings)
        return mode === 'in place'
          ? startInPlaceConsumer({
              ...consumerBasics(bench, reported),
              chunkSize: 20,
              handle: async (chunk) => {
                await new Promise((resolve) => setTimeout(resolve, 5))
                for (const { value } of chunk) complete(String(value))
              },
            })
          : startHandOffConsumer({
              ...consumerBasics(bench, reported),
              chunkSize: 20,
              handler: handingOver(async ({ value }) => {
                await new Promise((resolve) => setTimeout(resolve, 5))
                complete(String(value))
              }),
            })
      }
      const first = await start()
      await happenings.until('the first works', () => done.size > 100)
      const joining = start()
      const stopMs = await timed(first.stop)
      assert.ok(stopMs < longestStopMs + 2_000, `${stopMs} ms`)
      const second = await joining
      bench.atEnd(second.stop)
      await happenings.until('all are done', () => done.size === records)
      await second.stop()
      assert.deepEqual(await bench.committed(), await bench.ends())
      const repeats = [...done.values()].reduce((sum, times) => sum + times - 1, 0)
      t.diagnostic(`${repeats} repeats, stopped in ${Math.round(stopMs)} ms`)
    })
  }
})
