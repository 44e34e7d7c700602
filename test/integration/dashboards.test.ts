import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { z } from 'zod'
import { paced } from '../../src/cli/paced.ts'
import { drawSeries, type PlottedPanel } from '../dashboards/series-plot.ts'
import { dashboards, dashboardsFolder } from '../dashboards/dashboards.ts'
import { startPrometheus, withoutPrometheus, type Prometheus, type SeriesInTime } from '../support/prometheus.ts'
import { arrangeMixedLoad } from '../support/mixed-load.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const plotsFolder = join(import.meta.dirname, '../../docs/dashboards')

/** Twenty seconds of events. */
const waves = 10
const wavesPerSecond = 0.5

/** As Grafana reads the file. */
const panel = z.object({
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
})
const dashboardFile = z.object({
  title: z.string(),
  templating: z.object({
    list: z.array(z.object({ type: z.string(), name: z.string(), definition: z.string().optional() })),
  }),
  panels: z.array(panel),
})

let pipeline: Pipeline
let prometheus: Prometheus
let fromSeconds: number

const read = (name: string) =>
  dashboardFile.parse(JSON.parse(readFileSync(join(dashboardsFolder, `${name}.json`), 'utf8')))

/** What Grafana puts into a query, for so short a time and scrapes each second. */
function filledIn(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '5s')
    .replaceAll('$__range', '60s')
    .replaceAll(/\$(channel|provider|group)\b/g, '.*')
}

function nameOf(legend: string, { labels }: SeriesInTime): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '').trim()
}

describe('the dashboards', { skip: withoutPrometheus }, () => {
  before(async () => {
    pipeline = await startPipeline()
    const load = await arrangeMixedLoad(pipeline)
    const all = await pipeline.start(['all'])
    const router = await pipeline.start(['router', '--lane', 'transactional'])
    prometheus = await startPrometheus([all, router].map((role) => role.port('admin')))
    fromSeconds = Date.now() / 1_000
    await paced({ total: waves, perSecond: wavesPerSecond }, async () => void (await load.wave()))
    await pipeline.untilSettled()
  })
  afterEach((context) => pipeline.showLogs(context))
  after(async () => {
    await prometheus.stop()
    await pipeline.stop()
  })

  for (const { name } of dashboards) {
    test(`show what happens: ${name}`, async () => {
      const plotted: PlottedPanel[] = []
      for (const { type, title, description = '', targets } of read(name).panels) {
        if (type === 'row') continue
        const series: PlottedPanel['series'][number][] = []
        for (const { expr, legendFormat } of targets) {
          const found = (await prometheus.queryRange(filledIn(expr), fromSeconds)).filter(
            ({ points }) => points.length > 0,
          )
          assert.ok(found.length > 0 || /(^|\s)Empty /.test(description), `${title}: no data for ${filledIn(expr)}`)
          series.push(...found.map((each) => ({ name: nameOf(legendFormat, each), points: each.points })))
        }
        const {
          unit = 'short',
          emptyBecause,
          threshold,
        } = dashboards
          .find((each) => each.name === name)
          ?.rows.flatMap(({ panels }) => panels)
          .find((each) => each.title === title) ?? {}
        plotted.push({
          title,
          unit,
          series,
          ...(emptyBecause === undefined ? {} : { emptyBecause }),
          ...(threshold === undefined ? {} : { threshold }),
        })
      }
      if (process.env['PLOTS'] === '1') writePlot(name, plotted)
    })
  }

  test('offer channels, providers and groups to choose from', async () => {
    for (const { name } of dashboards) {
      for (const { type, definition = '' } of read(name).templating.list) {
        if (type !== 'query') continue
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? []
        assert.ok((await prometheus.labelValues(label, metric)).length > 1, definition)
      }
    }
  })
})

/** Only where PLOTS=1 asks for them: they are committed, and no two runs are alike. */
function writePlot(name: string, panels: readonly PlottedPanel[]): void {
  const { title } = read(name)
  const times = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([at]) => at)))
  const prefix = pipeline.topics.group('').slice(0, -'fanfare.'.length)
  const drawing = drawSeries({
    title,
    caption:
      'Plot of the dashboard’s own queries, asked of a Prometheus that scraped a Fanfare under a mixed load; seconds across. Not a picture of Grafana.',
    panels: panels.map((each) => ({
      ...each,
      series: each.series.map((one) => ({ ...one, name: one.name.replaceAll(prefix, '') })),
    })),
    from: Math.min(...times),
    to: Math.max(...times),
  })
  writeFileSync(join(plotsFolder, `${name}.svg`), drawing)
}
