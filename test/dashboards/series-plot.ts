/**
 * The series of a dashboard as a drawing: the same titles, the same queries, asked of a real Prometheus; not a picture of
 * Grafana.
 */
import type { SeriesInTime } from '../support/prometheus.ts'
import type { Panel, Unit } from './dashboard.ts'

export interface PlottedPanel extends Pick<Panel, 'title' | 'unit' | 'emptyBecause' | 'threshold'> {
  series: readonly { name: string; points: SeriesInTime['points'] }[]
}

export interface PlotOptions {
  title: string
  /** What was measured, and how. */
  caption: string
  panels: readonly PlottedPanel[]
  /** Unix seconds. */
  from: number
  to: number
}

const size = { width: 1_080, columns: 2, panelHeight: 190, plotHeight: 110, head: 64, margin: 16, left: 52 }
const colors = ['#1d4ed8', '#b45309', '#047857', '#b91c1c', '#6d28d9', '#0e7490', '#a16207', '#be185d']
/** More names than fit into a line are only counted. */
const namesLength = 100

export function drawSeries({ title, caption, panels, from, to }: PlotOptions): string {
  const rows = Math.ceil(panels.length / size.columns)
  const height = size.head + rows * size.panelHeight + size.margin
  const columnWidth = (size.width - size.margin) / size.columns
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${size.width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${size.margin}" y="26" font-size="16">${escaped(title)}</text>`,
    `<text x="${size.margin}" y="46" fill="#555555">${escaped(caption)}</text>`,
    ...panels.map((panel, index) =>
      drawPanel(panel, {
        x: size.margin + (index % size.columns) * columnWidth,
        y: size.head + Math.floor(index / size.columns) * size.panelHeight,
        width: columnWidth - size.margin,
        from,
        to,
      }),
    ),
    '</svg>',
    '',
  ].join('\n')
}

interface Place {
  x: number
  y: number
  width: number
  from: number
  to: number
}

function drawPanel({ title, unit, series, emptyBecause, threshold }: PlottedPanel, place: Place): string {
  const { x, y, width, from, to } = place
  const [left, right, top, bottom] = [x + size.left, x + width, y + 24, y + 24 + size.plotHeight]
  const highest = Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value)), 0)
  const limit = threshold !== undefined && threshold <= highest * 3 ? threshold : undefined
  const peak = niceTop(Math.max(highest, limit ?? 0))
  const across = (at: number) => rounded(left + ((at - from) / (to - from)) * (right - left))
  const up = (value: number) => rounded(bottom - (value / peak) * (bottom - top))
  const seconds = Array.from({ length: Math.floor((to - from) / 5) + 1 }, (_, index) => index * 5)
  return [
    `<text x="${x}" y="${y + 12}" font-weight="bold">${escaped(title)}</text>`,
    ...[0, peak / 2, peak].map(
      (value) =>
        `<path d="M${left} ${up(value)}H${right}" stroke="#dddddd"/>` +
        `<text x="${left - 6}" y="${up(value) + 4}" text-anchor="end">${inUnit(value, unit)}</text>`,
    ),
    ...seconds.map(
      (second) =>
        `<text x="${across(from + second)}" y="${bottom + 13}" text-anchor="middle" fill="#555555">${second}</text>`,
    ),
    ...(limit === undefined
      ? []
      : [`<path d="M${left} ${up(limit)}H${right}" stroke="#b91c1c" stroke-dasharray="4 3"/>`]),
    ...series.map(
      ({ points }, index) =>
        `<path d="${pathOf(points, across, up)}" fill="none" stroke="${colorOf(index)}" stroke-width="1.5"/>`,
    ),
    ...(series.length === 0 ? [emptyNote(emptyBecause ?? '', (left + right) / 2, (top + bottom) / 2)] : []),
    namesOf(series, x, bottom + 28),
  ].join('\n')
}

function emptyNote(because: string, x: number, y: number): string {
  return `<text x="${x}" y="${y}" text-anchor="middle" fill="#555555">empty ${escaped(because)}</text>`
}

function namesOf(series: PlottedPanel['series'], x: number, y: number): string {
  let length = 0
  const shown = series.filter(({ name }, index) => index === 0 || (length += name.length + 3) < namesLength)
  const names = shown.map(
    ({ name }, index) => `<tspan fill="${colorOf(index)}">${escaped(name === '' ? 'none' : name)}</tspan>`,
  )
  const more = series.length > shown.length ? ` and ${series.length - shown.length} more` : ''
  return `<text x="${x}" y="${y}" font-size="9">${names.join(' · ')}${more}</text>`
}

function pathOf(points: SeriesInTime['points'], across: (at: number) => number, up: (value: number) => number): string {
  return points
    .map(([at, value], index) => {
      // A gap where nothing was measured is none in the drawing either.
      const follows = index > 0 && at - (points[index - 1]?.[0] ?? at) <= 2
      return `${follows ? 'L' : 'M'}${across(at)} ${up(value)}`
    })
    .join('')
}

function colorOf(index: number): string {
  return colors[index % colors.length] ?? '#000000'
}

/** 1, 2 or 5 times a power of ten. */
function niceTop(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

function inUnit(value: number, unit: Unit): string {
  if (unit === 'percentunit') return `${short(value * 100)} %`
  if (unit === 'bytes') return `${short(value / 2 ** 20)} MiB`
  if (unit === 's') return `${short(value)} s`
  return short(value)
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
