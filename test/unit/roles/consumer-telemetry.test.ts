import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Registry } from 'prom-client'
import type { PartitionProgress } from '../../../src/kafka/partition-progress.ts'
import { consumerTelemetry } from '../../../src/roles/consumer-telemetry.ts'
import { createConsumerMetrics } from '../../../src/telemetry/consumer-metrics.ts'
import { createLogger } from '../../../src/telemetry/log.ts'

test('a position outside the log is one line for people and one count for alerts', async () => {
  const registry = new Registry()
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ role: 'router', level: 'info', destination })
  const report = consumerTelemetry({ group: 'group', metrics: createConsumerMetrics(registry), log })
  report({ kind: 'offset_reset', topic: 'topic', partition: 3, position: 9_007_199_254_740_993n })
  const { level, group, topic, partition, position, msg } = JSON.parse(lines.join('')) as Record<string, unknown>
  assert.deepEqual(
    { level, group, topic, partition, position, msg },
    {
      level: 'error',
      group: 'group',
      topic: 'topic',
      partition: 3,
      position: '9007199254740993',
      msg: 'the position lies outside the log: reading on from its start',
    },
  )
  const counted = await registry.getSingleMetricAsString('fanfare_consumer_offset_resets_total')
  assert.match(counted, /\{group="group",topic="topic"\} 1$/m)
})

test('commits that go on failing are told once, and that they succeed again', () => {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ role: 'router', level: 'info', destination })
  const report = consumerTelemetry({ group: 'group', metrics: createConsumerMetrics(new Registry()), log })
  const fail = () => report({ kind: 'commit_failed', code: 'NOT_COORDINATOR_FOR_GROUP' })
  const succeed = () => report({ kind: 'committed', topic: 'topic', partition: 0, offset: 1n, records: 1 })
  // What a rebalance costs.
  for (const step of [fail, fail, succeed]) step()
  assert.deepEqual(lines, [])
  for (const step of [fail, fail, fail, fail, fail, succeed, succeed]) step()
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    told.map(({ level, code, msg }) => ({ level, code, msg })),
    [
      { level: 'warn', code: 'NOT_COORDINATOR_FOR_GROUP', msg: 'commits fail' },
      { level: 'info', code: undefined, msg: 'commits succeed again' },
    ],
  )
})

describe('what a member holds', () => {
  const aPartition = (given: Partial<PartitionProgress>): PartitionProgress => ({
    topic: 'topic',
    partition: 0,
    lag: 0,
    queued: 0,
    running: 0,
    oldestMs: undefined,
    notDue: false,
    ...given,
  })

  function consuming() {
    const registry = new Registry()
    let nowMs = 0
    let partitions: PartitionProgress[] = []
    const report = consumerTelemetry({
      group: 'group',
      metrics: createConsumerMetrics(registry),
      log: createLogger({ role: 'router', level: 'silent' }),
      clock: () => nowMs,
    })
    report({ kind: 'started', progress: () => partitions })
    const series = async (name: string) =>
      (await registry.getSingleMetricAsString(name)).split('\n').filter((line) => line.startsWith(`${name}{`))
    return {
      report,
      series,
      wait: (ms: number) => void (nowMs += ms),
      hold: (...given: Partial<PartitionProgress>[]) => void (partitions = given.map(aPartition)),
    }
  }

  test('is summed over its partitions at each scrape', async () => {
    const { hold, series } = consuming()
    hold(
      { partition: 0, lag: 5, queued: 3, running: 1, oldestMs: 2_500 },
      { partition: 1, lag: 7, queued: 2, running: 2, oldestMs: 1_500 },
      { topic: 'other', lag: 1 },
    )
    assert.deepEqual(await series('fanfare_consumer_lag_messages'), [
      'fanfare_consumer_lag_messages{group="group",topic="topic"} 12',
      'fanfare_consumer_lag_messages{group="group",topic="other"} 1',
    ])
    assert.deepEqual(await series('fanfare_consumer_queued_records'), [
      'fanfare_consumer_queued_records{group="group",topic="topic"} 5',
      'fanfare_consumer_queued_records{group="group",topic="other"} 0',
    ])
    assert.deepEqual(await series('fanfare_consumer_in_flight_records'), [
      'fanfare_consumer_in_flight_records{group="group",topic="topic"} 3',
      'fanfare_consumer_in_flight_records{group="group",topic="other"} 0',
    ])
    assert.deepEqual(await series('fanfare_consumer_oldest_unprocessed_timestamp_seconds'), [
      'fanfare_consumer_oldest_unprocessed_timestamp_seconds{group="group",topic="topic"} 1.5',
    ])
    hold({ partition: 1, lag: 7 })
    assert.deepEqual(await series('fanfare_consumer_lag_messages'), [
      'fanfare_consumer_lag_messages{group="group",topic="topic"} 7',
    ])
    assert.deepEqual(await series('fanfare_consumer_assigned_partitions'), [
      'fanfare_consumer_assigned_partitions{group="group",topic="topic"} 1',
    ])
  })

  test('drains at the rate of its commits, and what waits until it is due is not to be drained', async () => {
    const { hold, wait, report, series } = consuming()
    const topic = 'topic'
    hold({ lag: 1_000 })
    report({ kind: 'fetched', topic, partition: 0, records: 1_000, firstOffset: 0n, highWatermark: 1_000n })
    wait(1_000)
    hold({ lag: 900 }, { partition: 1, lag: 60, notDue: true })
    report({ kind: 'committed', topic, partition: 0, offset: 100n, records: 100 })
    const [line] = await series('fanfare_consumer_seconds_to_drain')
    assert.equal(Math.round(Number(line?.split(' ').at(-1))), 9)
    hold({ lag: 0 }, { partition: 1, lag: 60, notDue: true })
    wait(120_000)
    assert.deepEqual(await series('fanfare_consumer_seconds_to_drain'), [
      'fanfare_consumer_seconds_to_drain{group="group",topic="topic"} 0',
    ])
  })

  test('is told no more after its end', async () => {
    const { hold, report, series } = consuming()
    hold({ lag: 5 })
    report({ kind: 'stopped', drained: true, abandonedRecords: 0 })
    assert.deepEqual(await series('fanfare_consumer_lag_messages'), [])
  })
})
