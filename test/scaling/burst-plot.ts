/**
 * The replay of the burst as a drawing, docs/scaling-burst.svg: three plots over one axis of time. Run as a program it
 * writes the file; a test fails where the file is another.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { longestWaitLimitSeconds, replayBurst, senderRule } from './burst-replay.ts'
import { longestOf, type Moment } from './replay.ts'

export const plotFile = join(import.meta.dirname, '../../docs/scaling-burst.svg')

interface Line {
  label: string
  color: string
  values: readonly number[]
}

interface Plot {
  title: string
  lines: readonly Line[]
  /** The upper end of the axis. */
  top: number
}

const size = { width: 960, plotHeight: 170, left: 70, right: 20, head: 64, gap: 54 }
const colors = { in: '#b45309', out: '#1d4ed8', limit: '#b91c1c' }

export function drawBurst(): string {
  const lane = 'transactional'
  const rule = senderRule(lane)
  const moments = replayBurst(rule)
  const limit = longestWaitLimitSeconds[lane]
  const series = (value: (moment: Moment) => number) => moments.map(value)
  const plots: Plot[] = [
    {
      title: 'Records a second',
      top: 1_200,
      lines: [
        { label: 'arrived (recorded)', color: colors.in, values: series(({ arrivals }) => arrivals) },
        { label: 'worked off', color: colors.out, values: series(({ committed }) => committed) },
      ],
    },
    {
      title: 'Seconds',
      top: 200,
      lines: [
        { label: 'the oldest record’s wait', color: colors.in, values: series(longestOf) },
        {
          label: 'seconds to drain, as queried',
          color: colors.out,
          values: series((each) => Math.min(200, each.secondsToDrain)),
        },
        { label: `limit: ${limit} s`, color: colors.limit, values: series(() => limit) },
      ],
    },
    {
      title: 'Members',
      top: 12,
      lines: [
        { label: 'asked for', color: colors.in, values: series(({ wanted }) => wanted) },
        { label: 'ready', color: colors.out, values: series(({ ready }) => ready) },
      ],
    },
  ]
  return svg(plots, moments.length)
}

function svg(plots: readonly Plot[], seconds: number): string {
  const height = size.head + plots.length * (size.plotHeight + size.gap)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${size.width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${size.left}" y="24" font-size="16">A recorded burst of ten times the usual load, replayed through the scaling rule</text>`,
    `<text x="${size.left}" y="44" fill="#555555">Plot of a simulation: sender of SMS, transactional lane, overlay production; time in minutes</text>`,
    ...plots.map((plot, index) => drawPlot(plot, seconds, size.head + index * (size.plotHeight + size.gap))),
    '</svg>',
    '',
  ].join('\n')
}

function drawPlot({ title, lines, top }: Plot, seconds: number, y: number): string {
  const width = size.width - size.left - size.right
  const bottom = y + 20 + size.plotHeight - 20
  const across = (second: number) => size.left + (second / seconds) * width
  const up = (value: number) => bottom - (Math.min(value, top) / top) * (size.plotHeight - 20)
  const minutes = Array.from({ length: Math.floor(seconds / 300) + 1 }, (_, index) => index * 5)
  return [
    `<text x="${size.left}" y="${y + 10}" font-weight="bold">${title}</text>`,
    ...lines.map(
      ({ label, color }, index) =>
        `<text x="${size.left + 150 + index * 210}" y="${y + 10}" fill="${color}">${label}</text>`,
    ),
    ...[0, top / 2, top].map(
      (value) =>
        `<path d="M${size.left} ${rounded(up(value))}H${size.width - size.right}" stroke="#dddddd"/>` +
        `<text x="${size.left - 8}" y="${rounded(up(value) + 4)}" text-anchor="end">${value}</text>`,
    ),
    ...minutes.map(
      (minute) =>
        `<text x="${rounded(across(minute * 60))}" y="${bottom + 16}" text-anchor="middle" fill="#555555">${minute}</text>`,
    ),
    ...lines.map(
      ({ color, values }) =>
        `<path d="${steps(values, across, up)}" fill="none" stroke="${color}" stroke-width="1.5"/>`,
    ),
  ].join('\n')
}

/** A point where the value changes, so that an hour of calm is one stroke. */
function steps(values: readonly number[], across: (second: number) => number, up: (value: number) => number): string {
  const points = values.flatMap((value, second) =>
    second === 0 || value !== values[second - 1] || second === values.length - 1
      ? [
          `${rounded(across(second))} ${rounded(up(values[second - 1] ?? value))}L${rounded(across(second))} ${rounded(up(value))}`,
        ]
      : [],
  )
  return `M${points.join('L')}`
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

if (import.meta.main) writeFileSync(plotFile, drawBurst())
