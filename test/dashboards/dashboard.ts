/**
 * What a dashboard is, and how it becomes Grafana's JSON: rows of panels over a data source and a few variables that the
 * reader chooses.
 */

export type Unit = 'short' | 's' | 'reqps' | 'percentunit' | 'ops' | 'bytes'

export interface Query {
  /** PromQL, with `$__rate_interval` and the variables of the dashboard. */
  expr: string
  /** Grafana's template of a series' name. */
  legend: string
}

export interface Panel {
  title: string
  unit: Unit
  /** What to see in it, for whoever looks at three in the morning. */
  description?: string
  /** Why there may be nothing to see although all is well; else no data is a fault of the query. */
  emptyBecause?: string
  queries: readonly Query[]
  /** A line to compare with. */
  threshold?: number
}

export interface Variable {
  name: string
  label: string
  /** `label_values(metric, label)` */
  values: string
}

export interface Dashboard {
  /** Of the file, and of the link to it. */
  name: string
  title: string
  description: string
  variables: readonly Variable[]
  rows: readonly { title: string; panels: readonly Panel[] }[]
}

/** The file of monitoring/dashboards/, as Grafana's provisioning reads it. */
export function grafanaJson(dashboard: Dashboard): string {
  const { name, title, description, variables } = dashboard
  return `${JSON.stringify(
    {
      uid: `fanfare-${name}`,
      title,
      description,
      tags: ['fanfare'],
      schemaVersion: 41,
      editable: false,
      graphTooltip: 1,
      refresh: '15s',
      time: { from: 'now-1h', to: 'now' },
      links: [{ type: 'dashboards', tags: ['fanfare'], title: 'Fanfare', asDropdown: true, includeVars: true }],
      templating: { list: [dataSourceVariable, ...variables.map(queryVariable)] },
      panels: gridOf(dashboard),
    },
    undefined,
    2,
  )}\n`
}

/** Whichever Prometheus the reader has; in docker-compose.yml there is one. */
const dataSource = { type: 'prometheus', uid: '${datasource}' }
const dataSourceVariable = { type: 'datasource', name: 'datasource', label: 'Prometheus', query: 'prometheus' }

function queryVariable({ name, label, values }: Variable) {
  return {
    type: 'query',
    name,
    label,
    datasource: dataSource,
    query: { query: values, refId: name },
    definition: values,
    refresh: 2,
    sort: 1,
    includeAll: true,
    allValue: '.*',
    multi: false,
    current: { text: 'All', value: '$__all' },
  }
}

/** Of Grafana's 24 columns. */
const panelWidth = 12
const panelHeight = 8

function gridOf({ rows }: Dashboard): object[] {
  const grid: object[] = []
  let y = 0
  for (const row of rows) {
    grid.push({
      id: grid.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
    })
    y += 1
    for (const [index, panel] of row.panels.entries()) {
      const place = { x: (index % 2) * panelWidth, y: y + Math.floor(index / 2) * panelHeight }
      grid.push({ id: grid.length + 1, ...timeSeries(panel), gridPos: { ...place, w: panelWidth, h: panelHeight } })
    }
    y += Math.ceil(row.panels.length / 2) * panelHeight
  }
  return grid
}

function timeSeries({ title, unit, description, emptyBecause, queries, threshold }: Panel) {
  const said = [description, emptyBecause === undefined ? undefined : `Empty ${emptyBecause}.`]
  return {
    type: 'timeseries',
    title,
    description: said.filter((text) => text !== undefined).join(' '),
    datasource: dataSource,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: {
          lineWidth: 1,
          fillOpacity: 8,
          showPoints: 'never',
          ...(threshold === undefined ? {} : { thresholdsStyle: { mode: 'line' } }),
        },
        thresholds: {
          mode: 'absolute',
          steps: [
            { color: 'green', value: null },
            ...(threshold === undefined ? [] : [{ color: 'red', value: threshold }]),
          ],
        },
      },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: dataSource,
      expr,
      legendFormat: legend,
    })),
  }
}
