/**
 * Every metric that the source declares, for tests of what others write about them: queries of alerts and dashboards.
 */
import { readdirSync } from 'node:fs'
import { Registry } from 'prom-client'
import { createRegistry } from '../../src/telemetry/metrics.ts'

export interface DeclaredMetric {
  type: string
  labelNames: readonly string[]
}

/** By the names of their series: those that a histogram stands for are there, too. */
export async function declaredMetrics(): Promise<Map<string, DeclaredMetric>> {
  const registry = new Registry()
  for (const file of readdirSync(new URL('../../src/telemetry/', import.meta.url))) {
    if (!file.endsWith('-metrics.ts')) continue
    const module = (await import(`../../src/telemetry/${file}`)) as Record<string, (registry: Registry) => unknown>
    Object.values(module).find((member) => typeof member === 'function')?.(registry)
  }
  const process = createRegistry({ role: 'test', version: '0' })
  return new Map(
    [...registry.getMetricsAsArray(), ...process.getMetricsAsArray()].flatMap((metric) => {
      // prom-client keeps the labels on its metrics, and its types do not say so.
      const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: string[] }
      const type = metric.constructor.name.toLowerCase()
      const parts: [string, string[]][] =
        type === 'histogram'
          ? [
              [`${name}_bucket`, [...labelNames, 'le']],
              [`${name}_sum`, labelNames],
              [`${name}_count`, labelNames],
            ]
          : [[name, labelNames]]
      return parts.map(([series, labels]): [string, DeclaredMetric] => [series, { type, labelNames: labels }])
    }),
  )
}

/**
 * One sentence for each metric or label of ours that a query names and nobody declares.
 * @param recorded names that recording rules make.
 */
export function unknownToSource(
  query: string,
  declared: ReadonlyMap<string, DeclaredMetric>,
  recorded: ReadonlySet<string> = new Set(),
): string[] {
  return [...query.matchAll(/\b(fanfare[:_][a-z0-9_:]+)(?:\{([^}]*)\})?/g)].flatMap(([, name = '', matchers = '']) => {
    if (recorded.has(name)) return []
    const metric = declared.get(name)
    if (metric === undefined) return [`there is no ${name}`]
    const labels = [...matchers.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label)
    // What Prometheus itself puts on a series.
    const known = [...metric.labelNames, 'instance', 'job']
    return labels.filter((label) => !known.includes(label)).map((label) => `${name} has no label ${label}`)
  })
}
