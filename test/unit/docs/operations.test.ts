import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Registry } from 'prom-client'
import { createConsumerMetrics } from '../../../src/telemetry/consumer-metrics.ts'
import { createDeliveryMetrics } from '../../../src/telemetry/delivery-metrics.ts'
import { createRegistry } from '../../../src/telemetry/metrics.ts'
import { createRouterMetrics } from '../../../src/telemetry/router-metrics.ts'
import { inlineCode, readDocument, section, tableRows } from './markdown.ts'

const document = readDocument('docs/operations.md')

interface Described {
  name: string
  type: string
  labelNames?: readonly string[]
}

function ownMetrics(): Described[] {
  const registry = new Registry()
  createConsumerMetrics(registry)
  createDeliveryMetrics(registry)
  createRouterMetrics(registry)
  const buildInfo = createRegistry({ role: 'test', version: '0' }).getSingleMetric('fanfare_build_info')
  // prom-client keeps type and labels on its metrics, and its types do not say so.
  return [buildInfo, ...registry.getMetricsAsArray()] as unknown as Described[]
}

const typeOf = (metric: Described) => metric.constructor.name.toLowerCase()

describe('docs/operations.md', () => {
  test('lists every metric with its type and labels', () => {
    const documented = tableRows(section(document, '## Metrics')).map(([name, type, labels]) => ({
      name,
      type,
      labels,
    }))
    const declared = ownMetrics().map((metric) => ({
      name: `\`${metric.name}\``,
      type: typeOf(metric),
      labels: (metric.labelNames ?? []).join(', '),
    }))
    assert.deepEqual(documented, declared)
  })

  test('names no metric that does not exist', () => {
    const names = new Set(ownMetrics().map(({ name }) => name))
    for (const code of inlineCode(document)) {
      const name = /^(fanfare_[a-z_]+)(\{.*\})?$/.exec(code)?.[1]
      if (name !== undefined) assert.ok(names.has(name), code)
    }
  })
})
