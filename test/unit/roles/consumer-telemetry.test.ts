import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
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
  const succeed = () => report({ kind: 'committed', topic: 'topic', partition: 0, offset: 1n })
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
