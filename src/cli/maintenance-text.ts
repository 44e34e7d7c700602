/**
 * What a round of maintenance did and found, as text for a terminal or a log.
 */
import { daysAheadMin, stuckShown, type MaintenanceReport } from '../services/maintenance/maintain.ts'
import { deliveryTable } from './delivery-text.ts'

export function maintenanceText(report: MaintenanceReport): string {
  const { partitions, runningOut, expired, forgotten, hoursCounted, stuck } = report
  const { daysAheadBefore, created, retirement } = partitions
  const lines = [
    ...(runningOut
      ? [`WARNING: only ${daysAheadBefore} days ahead had partitions (fewer than ${daysAheadMin}): nobody maintained`]
      : []),
    ...(created.length > 0 ? [`created ${created.length} partitions, to ${created.at(-1)}`] : []),
    ...retirement.dropped.map((name) => `dropped ${name}`),
    ...retirement.kept.map(({ partition, because, openRows }) =>
      because === 'open'
        ? `kept ${partition}: ${openRows} rows are not final`
        : `kept ${partition}: in use by a long transaction, next time`,
    ),
    ...(expired > 0 ? [`settled ${expired} deliveries as expired`] : []),
    ...(forgotten > 0 ? [`forgot ${forgotten} idempotency keys, receipts of webhooks and soft bounces`] : []),
    ...(hoursCounted > 0 ? [`counted ${hoursCounted} hours of the funnel`] : []),
    ...stuckLines(stuck),
  ]
  return lines.length === 0 ? 'nothing to do\n' : `${lines.join('\n')}\n`
}

function stuckLines(stuck: MaintenanceReport['stuck']): string[] {
  if (stuck.length === 0) return []
  const count = stuck.length < stuckShown ? String(stuck.length) : `${stuckShown} or more`
  return [`stuck: ${count}`, deliveryTable(stuck)]
}
