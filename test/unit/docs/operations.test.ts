import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Registry } from 'prom-client'
import { programs } from '../../../src/cli/programs.ts'
import { createRegistry } from '../../../src/telemetry/metrics.ts'
import { inlineCode, readDocument, section, tableRows } from './markdown.ts'

const document = readDocument('docs/operations.md')

/** Of every file that declares metrics, so that a new one cannot be forgotten here. */
const metricFactories = await Promise.all(
  readdirSync(new URL('../../../src/telemetry/', import.meta.url))
    .filter((file) => file.endsWith('-metrics.ts'))
    .map(async (file) => {
      const module = (await import(`../../../src/telemetry/${file}`)) as Record<string, unknown>
      const create = Object.values(module).find((member) => typeof member === 'function')
      assert.ok(create !== undefined, `${file} exports no factory`)
      return create as (registry: Registry) => unknown
    }),
)

interface Described {
  name: string
  type: string
  labelNames?: readonly string[]
}

function ownMetrics(): Described[] {
  const registry = new Registry()
  for (const create of metricFactories) create(registry)
  const buildInfo = createRegistry({ role: 'test', version: '0' }).getSingleMetric('fanfare_build_info')
  // prom-client keeps type and labels on its metrics, and its types do not say so.
  return [buildInfo, ...registry.getMetricsAsArray()] as unknown as Described[]
}

const typeOf = (metric: Described) => metric.constructor.name.toLowerCase()

describe('docs/operations.md', () => {
  test('names every role among the processes to run, for a role that nobody starts leaves its records where they lie', () => {
    const { text: deploying } = section(document, '## Deploying')
    const roles = Object.keys(programs).filter((name) => programs[name]?.kind === 'role')
    for (const role of roles) assert.ok(deploying.includes(`fanfare ${role}`), role)
  })

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
