/**
 * What the demo prints at its end: what became of the events, how long it took, and whether the three parties agree.
 */
import { channels, type Channel } from '../../domain/channel.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import { differenceKinds, type Difference } from '../reconciliation/difference.ts'
import { isSent } from '../reconciliation/deliveries.ts'
import type { Evidence } from '../reconciliation/evidence.ts'
import type { Reconciliation } from '../reconciliation/reconcile.ts'
import { summariseLatency, type LatencySummary } from './latency.ts'
import { countText, textTable } from './text-table.ts'

export function reportText(evidence: Evidence, reconciliation: Reconciliation): string {
  return [
    'Events',
    textTable(eventRows(evidence)),
    '\nDeliveries',
    textTable(deliveryRows(evidence)),
    ...section('Suppressed channels by reason', suppressionCounts(evidence)),
    ...section('Failed deliveries by reason', failureCounts(evidence)),
    '\nReconciliation',
    textTable(reconciliationRows(reconciliation)),
    ...verdictLines(reconciliation),
  ].join('\n')
}

function eventRows({ published, notifications }: Evidence): string[][] {
  return [['published', countText(published.length)], ...countRows(notifications.map(({ decision }) => decision))]
}

const outcomes = ['sent', 'failed', 'suppressed', 'expired', 'unknown'] as const

function deliveryRows(evidence: Evidence): string[][] {
  const rows = channels.map((channel) => deliveryRow(channel, evidence, (each) => each === channel))
  return [['', ...outcomes, 'other', 'calls', 'p50', 'p99', 'max'], ...rows, deliveryRow('all', evidence, () => true)]
}

function deliveryRow(name: string, evidence: Evidence, among: (channel: Channel) => boolean): string[] {
  const states = evidence.deliveries.filter(({ channel }) => among(channel)).map(outcomeOf)
  const count = (outcome: string) => countText(states.filter((state) => state === outcome).length)
  const calls = evidence.calls.filter(({ channel }) => among(channel)).length
  const latency = summariseLatency(evidence, ({ channel }) => among(channel))
  return [name, ...[...outcomes, 'other'].map(count), countText(calls), ...latencyCells(latency)]
}

function outcomeOf({ state }: { state: DeliveryState }): string {
  if (isSent({ state })) return 'sent'
  return (outcomes as readonly string[]).includes(state) ? state : 'other'
}

function latencyCells(latency: LatencySummary | undefined): string[] {
  if (latency === undefined) return ['-', '-', '-']
  return [latency.p50Ms, latency.p99Ms, latency.maxMs].map((ms) => `${countText(Math.round(ms))} ms`)
}

function suppressionCounts({ notifications }: Evidence): string[] {
  return notifications.flatMap(({ suppressedChannels }) =>
    suppressedChannels.map(({ channel, reason }) => `${channel}: ${reason}`),
  )
}

function failureCounts({ deliveries }: Evidence): string[] {
  return deliveries
    .filter(({ state }) => state === 'failed' || state === 'unknown')
    .map(({ channel, reason }) => `${channel}: ${reason ?? 'no reason'}`)
}

function section(title: string, words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`\n${title}`, textTable(countRows(words))]
}

/** The most frequent first. */
function countRows(words: readonly string[]): string[][] {
  const groups = [...Map.groupBy(words, (word) => word)].toSorted(([, a], [, b]) => b.length - a.length)
  return groups.map(([word, { length }]) => [word, countText(length)])
}

function reconciliationRows({ events, sentByChannel }: Reconciliation): string[][] {
  return [
    ['', 'published', 'providers’ ledger', 'Postgres', 'status topic', ''],
    row('events', [events.published, undefined, events.postgres, events.statusTopic]),
    ...channels.map((channel) => {
      const { ledger, postgres, statusTopic } = sentByChannel[channel]
      return row(`sent to ${channel}`, [undefined, ledger, postgres, statusTopic])
    }),
  ]
}

function row(name: string, counts: readonly (number | undefined)[]): string[] {
  const said = new Set(counts.filter((count) => count !== undefined))
  const cells = counts.map((count) => (count === undefined ? '' : countText(count)))
  return [name, ...cells, said.size === 1 ? 'equal' : 'DIFFERENT']
}

const idsShown = 10

function verdictLines({ differences, repeatedStatuses }: Reconciliation): string[] {
  const calledTwice = differences.filter(({ kind }) => kind === 'called_twice').length
  const lines = [
    `  deliveries with more than one call: ${countText(calledTwice)}`,
    `  statuses published more than once: ${countText(repeatedStatuses)}`,
  ]
  if (differences.length === 0) return [...lines, '\nAll equal: nothing lost, nothing sent twice.']
  return [...lines, `\n${countText(differences.length)} DIFFERENCES`, ...differenceLines(differences)]
}

function differenceLines(differences: readonly Difference[]): string[] {
  return [...Map.groupBy(differences, ({ kind }) => kind)].flatMap(([kind, found]) => {
    const more = found.length - idsShown
    return [
      `  ${differenceKinds[kind]}: ${countText(found.length)}`,
      ...found.slice(0, idsShown).map(({ id }) => `    ${id}`),
      ...(more > 0 ? [`    and ${countText(more)} more`] : []),
    ]
  })
}
