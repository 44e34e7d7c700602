/**
 * What the demo prints at its end: what became of the events, how long it took, whether the three parties agree, and
 * whether the special events went as the script predicted.
 */
import { channels, type Channel } from '../../domain/channel.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import { differenceKinds, type Difference } from '../reconciliation/difference.ts'
import { isSent } from '../reconciliation/deliveries.ts'
import { nameOf, type Evidence } from '../reconciliation/evidence.ts'
import type { Reconciliation } from '../reconciliation/reconcile.ts'
import { summariseLatency, type LatencySummary } from './latency.ts'
import type { PredictionLine } from './predictions.ts'
import { countText, textTable } from './text-table.ts'

export interface Findings extends Reconciliation {
  predictions: readonly PredictionLine[]
}

export function reportText(evidence: Evidence, findings: Findings): string {
  return [
    'Events',
    textTable(eventRows(evidence)),
    '\nDeliveries (times without those that had to wait)',
    textTable(deliveryRows(evidence)),
    ...section('Suppressed channels by reason', suppressionCounts(evidence)),
    ...section('Failed deliveries by reason', failureCounts(evidence)),
    '\nReconciliation',
    textTable(reconciliationRows(findings)),
    ...verdictLines(findings),
    '\nSpecial events: predicted by the script, found by each party',
    textTable(predictionRows(findings.predictions)),
    ...predictionVerdict(findings.predictions),
  ].join('\n')
}

function eventRows({ published, notifications }: Evidence): string[][] {
  return [['published', countText(published.length)], ...countRows(notifications.map(({ decision }) => decision))]
}

const outcomes = ['sent', 'failed', 'suppressed', 'expired', 'unknown'] as const

function deliveryRows(evidence: Evidence): string[][] {
  const waited = waitedDeliveries(evidence)
  const rowOf = (name: string, among: (channel: Channel) => boolean) => deliveryRow(name, { evidence, waited, among })
  const rows = channels.map((channel) => rowOf(channel, (each) => each === channel))
  return [['', ...outcomes, 'other', 'calls', 'p50', 'p99', 'max'], ...rows, rowOf('all', () => true)]
}

/** Of these the time from the event to the provider says nothing about speed. */
function waitedDeliveries({ notifications, statuses }: Evidence): ReadonlySet<string> {
  const deferred = new Set(statuses.filter(({ status }) => status === 'deferred').map(nameOf))
  return new Set(notifications.filter((row) => deferred.has(nameOf(row))).flatMap(({ deliveryIds }) => deliveryIds))
}

interface DeliveryRow {
  evidence: Evidence
  waited: ReadonlySet<string>
  among(channel: Channel): boolean
}

function deliveryRow(name: string, { evidence, waited, among }: DeliveryRow): string[] {
  const states = evidence.deliveries.filter(({ channel }) => among(channel)).map(outcomeOf)
  const count = (outcome: string) => countText(states.filter((state) => state === outcome).length)
  const calls = evidence.calls.filter(({ channel }) => among(channel)).length
  const latency = summariseLatency(evidence, ({ channel, deliveryId }) => among(channel) && !waited.has(deliveryId))
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

function reconciliationRows({ events, sentByChannel, reports }: Reconciliation): string[][] {
  return [
    ['', 'published', 'providers’ ledger', 'Postgres', 'status topic', ''],
    row('events', [events.published, undefined, events.postgres, events.statusTopic]),
    ...channels.map((channel) => {
      const { ledger, postgres, statusTopic } = sentByChannel[channel]
      return row(`sent to ${channel}`, [undefined, ledger, postgres, statusTopic])
    }),
    ['', 'reported', '', '', '', ''],
    ...reports.map(({ kind, made, postgres, statusTopic }) => row(kind, [made, undefined, postgres, statusTopic])),
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

function predictionRows(predictions: readonly PredictionLine[]): string[][] {
  return [
    ['', 'predicted', 'status topic', 'Postgres', 'calls predicted', 'calls found', ''],
    ...predictions.map(({ title, predicted, statusTopic, postgres, calls, holds }) => [
      title,
      ...[predicted, statusTopic, postgres, calls.predicted, calls.found].map(countText),
      holds ? 'equal' : 'DIFFERENT',
    ]),
  ]
}

function predictionVerdict(predictions: readonly PredictionLine[]): string[] {
  const wrong = predictions.filter(({ holds }) => !holds)
  if (wrong.length === 0) return ['\nAll as predicted.']
  return [
    `\n${countText(wrong.length)} NOT AS PREDICTED`,
    ...wrong.map(({ title, predicted, statusTopic, postgres, ledger }) => {
      const found = [`status topic ${statusTopic}`, `Postgres ${postgres}`, `providers’ ledger ${ledger}`]
      return `  ${title}: predicted ${predicted}; exactly so in ${found.join(', ')}`
    }),
  ]
}
