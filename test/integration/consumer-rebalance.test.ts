import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { startHandOffConsumer } from '../../src/kafka/hand-off-consumer.ts'
import { startInPlaceConsumer } from '../../src/kafka/in-place-consumer.ts'
import type { RunningConsumer } from '../../src/kafka/running-consumer.ts'
import type { ConsumerProcessOptions } from '../support/consumer-process.ts'
import {
  consumerBasics,
  createHappenings,
  createReported,
  numbered,
  openWorkbench,
  type Happenings,
  type Reported,
  type Workbench,
} from '../support/kafka-workbench.ts'
import { pacedHandler } from '../support/paced-handler.ts'

const sessionTimeoutMs = 3_000
const concurrency = 16

/** Which records are complete, whoever completed them, and how often. */
function createLedger({ happened }: Happenings) {
  const times = new Map<string, number>()
  const keyOf = (partition: number, offset: bigint) => `${partition}/${offset}`
  return {
    complete: ({ partition, offset }: { partition: number; offset: bigint }) => {
      const key = keyOf(partition, offset)
      times.set(key, (times.get(key) ?? 0) + 1)
      happened()
    },
    unique: () => times.size,
    repeats: () => [...times.values()].reduce((sum, count) => sum + count - 1, 0),
    /** What lies below the positions and is not complete. */
    missingBelow: (positions: ReadonlyMap<number, bigint>) =>
      [...positions].flatMap(([partition, position]) =>
        Array.from({ length: Number(position) }, (_, offset) => keyOf(partition, BigInt(offset))).filter(
          (key) => !times.has(key),
        ),
      ),
  }
}
type Ledger = ReturnType<typeof createLedger>

interface Member {
  consumer: RunningConsumer
  reported: Reported
  /** Of this member alone. */
  own: Ledger
}

function memberStarter(bench: Workbench, happenings: Happenings, ledger: Ledger) {
  return async (): Promise<Member> => {
    const reported = createReported(happenings)
    const own = createLedger(happenings)
    const consumer = await startHandOffConsumer({
      ...consumerBasics(bench, reported),
      sessionTimeoutMs,
      handler: pacedHandler(concurrency, (record) => {
        own.complete(record)
        ledger.complete(record)
      }),
    })
    bench.atEnd(consumer.stop)
    return { consumer, reported, own }
  }
}

/** Asks the broker over and over where the group is; at no time may a committed position pass an incomplete record. */
function watchCommits(bench: Workbench, ledger: Ledger) {
  const violations: string[] = []
  let looks = 0
  let over = false
  async function watch(): Promise<void> {
    while (!over) {
      violations.push(...ledger.missingBelow(await bench.committed()))
      looks += 1
    }
  }
  const watching = watch()
  return {
    end: async () => {
      over = true
      await watching
      return { violations, looks }
    },
  }
}

function startChild(bench: Workbench, ledger: Ledger) {
  const options: ConsumerProcessOptions = { topic: bench.topic, groupId: bench.groupId, sessionTimeoutMs, concurrency }
  const program = join(import.meta.dirname, '../support/consumer-process.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  let completed = 0
  lines.on('line', (line) => {
    const [partition = '', offset = ''] = line.split(' ')
    completed += 1
    ledger.complete({ partition: Number(partition), offset: BigInt(offset) })
  })
  const closed = once(lines, 'close')
  return {
    completed: () => completed,
    signal: (name: 'SIGSTOP' | 'SIGCONT') => child.kill(name),
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}

describe('members that join and leave under load', { concurrency: true }, () => {
  test('lose nothing, commit past nothing incomplete, and end where the topic ends', async (t) => {
    const records = 20_000
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const { until } = happenings
    const ledger = createLedger(happenings)
    const start = memberStarter(bench, happenings, ledger)
    await bench.producer.send(numbered(bench.topic, 0, records))
    const commits = watchCommits(bench, ledger)

    const first = await start()
    await until('the first works', () => ledger.unique() > 1_000)
    const second = await start()
    await until('the second works', () => second.own.unique() > 500)
    const child = startChild(bench, ledger)
    t.after(child.kill)
    await until('the child works', () => child.completed() > 300)
    await child.kill()
    const third = await start()
    await until('the third works', () => third.own.unique() > 500)
    await second.consumer.stop()
    await until('all are done', () => ledger.unique() === records)

    await first.consumer.stop()
    await third.consumer.stop()
    const { violations, looks } = await commits.end()
    assert.deepEqual(violations, [])
    assert.ok(looks > 20, `looked ${looks} times`)
    assert.deepEqual(await bench.committed(), await bench.ends())
    for (const { reported } of [first, second, third]) assert.deepEqual(reported.fatals, [])
    // While the group waits for the member that was killed, the others go on with what they have queued, but the broker
    // takes no commit behind the join that waits on the same connection. Stages absorb such repeats.
    t.diagnostic(
      `${ledger.repeats()} repeats, of which within one member: ` +
        [first, second, third].map(({ own }) => own.repeats()).join(', '),
    )
  })

  test('take a member that was stopped for longer than its session for gone, and it takes itself for another', async (t) => {
    const records = 12_000
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const { until } = happenings
    const ledger = createLedger(happenings)
    const start = memberStarter(bench, happenings, ledger)
    await bench.producer.send(numbered(bench.topic, 0, records))
    const commits = watchCommits(bench, ledger)

    const zombie = startChild(bench, ledger)
    t.after(zombie.kill)
    await until('it works', () => zombie.completed() > 500)
    const survivor = await start()
    await until('both work', () => survivor.own.unique() > 300)
    zombie.signal('SIGSTOP')
    await until('all partitions are taken over', () =>
      survivor.reported.of('joined').some(({ partitions }) => partitions === 12),
    )
    const taken = survivor.own.unique()
    await until('it works on', () => survivor.own.unique() > taken + 500)
    const before = zombie.completed()
    zombie.signal('SIGCONT')
    await until('the other is back', () => survivor.reported.of('joined').at(-1)?.partitions === 6)
    await until('all are done', () => ledger.unique() === records)
    assert.ok(zombie.completed() > before)
    await survivor.consumer.stop()
    const ends = await bench.ends()
    // What it ran when it was stopped may be repeated; a moment later the child has committed its half.
    await t.waitFor(async () => assert.deepEqual(await bench.committed(), ends), { interval: 100, timeout: 10_000 })
    assert.deepEqual((await commits.end()).violations, [])
    t.diagnostic(`${ledger.repeats()} repeats`)
  })

  test('keep the partitions that stay flowing, and hear of none of their records again', async (t) => {
    const records = 10_000
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const { until } = happenings
    const ledger = createLedger(happenings)
    const start = memberStarter(bench, happenings, ledger)
    await bench.producer.send(numbered(bench.topic, 0, records))

    const stays = await start()
    await until('it works', () => ledger.unique() > 500)
    const comes = await start()
    await until('half of the partitions stay', () =>
      stays.reported.of('joined').some(({ kept, lost }) => kept === 6 && lost === 6),
    )
    await until('both work', () => comes.own.unique() > 500)
    await comes.consumer.stop()
    await until('all are done', () => ledger.unique() === records)
    assert.equal(stays.own.repeats(), 0, 'the member that stays does nothing twice')
    // What ran at the change, and little more: it commits as soon as it hears of it, and not half a second later.
    assert.ok(ledger.repeats() <= 10 * concurrency, `${ledger.repeats()} repeats`)
    t.diagnostic(`${ledger.repeats()} repeats`)

    const paused = new Map<string, Set<string>>()
    for (const event of stays.reported.events) {
      if (event.kind !== 'paused' && event.kind !== 'resumed') continue
      const reasons = paused.get(`${event.partition}`) ?? new Set()
      if (event.kind === 'paused') reasons.add(event.reason)
      else reasons.delete(event.reason)
      paused.set(`${event.partition}`, reasons)
    }
    assert.ok(
      [...paused.values()].every((reasons) => reasons.size === 0),
      'a partition is left paused',
    )
    await bench.producer.send(numbered(bench.topic, records, records + 600))
    await until('what came later is done in every partition', () => ledger.unique() === records + 600)
    await stays.consumer.stop()
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('hand their partitions on in place although a dependency is away', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const ledger = createLedger(happenings)
    await bench.producer.send(numbered(bench.topic, 0, 1_000))
    let away = true
    const start = async () => {
      const reported = createReported(happenings)
      const consumer = await startInPlaceConsumer({
        ...consumerBasics(bench, reported),
        sessionTimeoutMs: 30_000,
        handle: async (chunk) => {
          if (away) throw new DependencyUnavailable('postgres', '57P03')
          for (const record of chunk) ledger.complete(record)
        },
      })
      bench.atEnd(consumer.stop)
      return { consumer, reported }
    }
    const one = await start()
    await happenings.until('it waits', () => one.reported.of('dependency_unavailable').length > 3)
    const joining = performance.now()
    const other = await start()
    assert.ok(performance.now() - joining < 15_000, 'the session lasts 30 s')
    assert.deepEqual(
      other.reported.of('joined').map(({ partitions }) => partitions),
      [6],
    )
    away = false
    await happenings.until('all are done', () => ledger.unique() === 1_000)
    await Promise.all([one.consumer.stop(), other.consumer.stop()])
    assert.deepEqual([ledger.repeats(), one.reported.of('dead_lettered')], [0, []])
    assert.deepEqual(await bench.committed(), await bench.ends())
  })

  test('hand their partitions on at once in place, chunk by chunk', async (t) => {
    const bench = await openWorkbench(t)
    const happenings = createHappenings()
    const { until } = happenings
    const ledger = createLedger(happenings)
    const records = 9_000
    await bench.producer.send(numbered(bench.topic, 0, records))
    const start = async () => {
      const reported = createReported(happenings)
      const consumer = await startInPlaceConsumer({
        ...consumerBasics(bench, reported),
        chunkSize: 20,
        handle: async (chunk) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          for (const record of chunk) ledger.complete(record)
        },
      })
      bench.atEnd(consumer.stop)
      return { consumer, reported }
    }
    const commits = watchCommits(bench, ledger)
    const one = await start()
    await until('the first works', () => ledger.unique() > 500)
    const joining = performance.now()
    const other = await start()
    assert.ok(performance.now() - joining < 6_000, 'the joiner did not wait for the session to end')
    assert.deepEqual(
      other.reported.of('joined').map(({ partitions }) => partitions),
      [6],
    )
    await until('both worked', () => other.reported.of('completed').length > 5)
    await other.consumer.stop()
    await until('all are done', () => ledger.unique() === records)
    await one.consumer.stop()
    assert.deepEqual((await commits.end()).violations, [])
    assert.deepEqual(await bench.committed(), await bench.ends())
    assert.ok(ledger.repeats() <= 2 * 3 * 20, `${ledger.repeats()} repeats: no more than the chunks at work`)
    t.diagnostic(`${ledger.repeats()} repeats`)
    assert.deepEqual([...one.reported.fatals, ...other.reported.fatals], [])
  })
})
