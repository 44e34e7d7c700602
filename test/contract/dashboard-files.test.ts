import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { dashboards, dashboardsFolder } from '../dashboards/dashboards.ts'
import { grafanaJson, type Panel } from '../dashboards/dashboard.ts'
import { declaredMetrics, unknownToSource } from '../support/declared-metrics.ts'

const root = join(import.meta.dirname, '../..')
const panelsOf = ({ rows }: (typeof dashboards)[number]): readonly Panel[] => rows.flatMap(({ panels }) => panels)

describe('the files of monitoring/dashboards', () => {
  test('are those that the definitions make', () => {
    assert.deepEqual(readdirSync(dashboardsFolder).toSorted(), dashboards.map(({ name }) => `${name}.json`).toSorted())
    for (const dashboard of dashboards) {
      const file = readFileSync(join(dashboardsFolder, `${dashboard.name}.json`), 'utf8')
      assert.equal(file, grafanaJson(dashboard), 'run: node test/dashboards/dashboards.ts')
    }
  })

  test('ask for metrics and labels that there are', async () => {
    const declared = await declaredMetrics()
    const rules = parse(readFileSync(join(root, 'monitoring/rules/fanfare.yaml'), 'utf8')) as {
      groups: { rules: { record?: string }[] }[]
    }
    const recorded = new Set(rules.groups.flatMap((group) => group.rules.flatMap(({ record }) => record ?? [])))
    for (const dashboard of dashboards) {
      const queries = panelsOf(dashboard).flatMap((panel) => panel.queries.map(({ expr }) => expr))
      const choices = dashboard.variables.map(({ values }) => values.slice('label_values('.length))
      for (const query of [...queries, ...choices]) assert.deepEqual(unknownToSource(query, declared, recorded), [])
    }
  })

  test('place every panel beside or below the one before, each under a title of its own', () => {
    for (const dashboard of dashboards) {
      const titles = panelsOf(dashboard).map(({ title }) => title)
      assert.equal(new Set(titles).size, titles.length, dashboard.name)
      const { panels } = JSON.parse(grafanaJson(dashboard)) as {
        panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[]
      }
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`),
      )
      assert.equal(new Set(cells).size, cells.length, dashboard.name)
    }
  })
})

test('docs/ has a plot of every dashboard, which calls itself one and shows every panel', () => {
  for (const dashboard of dashboards) {
    const plot = readFileSync(join(root, `docs/dashboards/${dashboard.name}.svg`), 'utf8')
    const again = 'run: PLOTS=1 node --test test/integration/dashboards.test.ts, with a stack'
    assert.ok(plot.includes('Not a picture of Grafana'), again)
    for (const { title } of panelsOf(dashboard)) assert.ok(plot.includes(`>${title}</text>`), `${title}: ${again}`)
  }
})
