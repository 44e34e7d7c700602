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
