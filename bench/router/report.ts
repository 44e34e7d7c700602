/**
 * The figures of the router's bench as text for a terminal.
 */
import { countText, textTable } from '../../src/local/demo/text-table.ts'
import type { Spread } from '../rounds.ts'
import { copiesPerRecord, variants, type RouterFigures } from './router-bench.ts'

export function routerText({ events, people, expected, figures }: RouterFigures): string {
  const parts = Object.keys(figures.router.partsCpuMicros)
  const titles = ['', 'events/s', 'of copy', 'µs of its processor', ...parts.map((part) => `of ${part}`)]
  const rows = variants.map((variant) => {
    const { eventsPerSecond, ofCopy, cpuMicros, partsCpuMicros } = figures[variant]
    const ofParts = parts.map((part) => partsCpuMicros[part]).map((spread) => (spread ? spreadText(spread, 0) : ''))
    return [variant, spreadText(eventsPerSecond, 0), spreadText(ofCopy, 2), spreadText(cpuMicros, 0), ...ofParts]
  })
  const { log, commands, statuses } = expected
  return [
    `router: ${countText(events)} events for ${countText(people)} people; medians [least..most]`,
    textTable([titles, ...rows]),
    '',
    'After every run of a router, as its events ask for:',
    `  in the log: ${countsText(log)}`,
    `  commands: ${countsText(commands)}`,
    `  statuses: ${countsText(statuses)}`,
    `Every copy had ${countText(events * copiesPerRecord)} records.`,
  ].join('\n')
}

function spreadText({ median, min, max }: Spread, digits: number): string {
  const text = (value: number) => value.toFixed(digits)
  return `${text(median)} [${text(min)}..${text(max)}]`
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${countText(count)}`)
    .join(', ')
}
