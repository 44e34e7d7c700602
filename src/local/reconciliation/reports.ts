/**
 * What was reported after the hand-over = what Postgres has of it = what the status topic tells, delivery by delivery:
 * providers' webhooks, and what people did with their messages.
 *
 * A report of a machine (a privacy proxy's open) is told on the topic and not kept as the person's.
 */
import type { Status } from '../../domain/delivery-status.ts'
import type { Difference } from './difference.ts'
import { reportedKinds, type Evidence, type MadeReport, type ReportedKind } from './evidence.ts'

export function isReported(status: Status): status is ReportedKind {
  return (reportedKinds as readonly Status[]).includes(status)
}

export interface ReportCounts {
  kind: ReportedKind
  made: number
  postgres: number
  statusTopic: number
}

/** Deliveries by kind of report, each once. */
export function countReports({ reports, deliveries, statuses }: Evidence): ReportCounts[] {
  return reportedKinds.map((kind) => ({
    kind,
    made: madeOf(kind, reports).size,
    postgres: deliveries.filter(({ reported }) => reported.includes(kind)).length,
    statusTopic: toldOf(kind, statuses).size,
  }))
}

export function reconcileReports({ reports, deliveries, statuses }: Evidence): Difference[] {
  return reportedKinds.flatMap((kind) => {
    const made = madeOf(kind, reports)
    const kept = new Set(deliveries.filter(({ reported }) => reported.includes(kind)).map((each) => each.deliveryId))
    const told = toldOf(kind, statuses)
    const differ = (id: string) => ({ kind: 'report', id: `${id} ${kind}` }) as const
    return [...new Set([...made, ...kept, ...told])]
      .filter((id) => !made.has(id) || !kept.has(id) || !told.has(id))
      .map(differ)
  })
}

function madeOf(kind: ReportedKind, reports: readonly MadeReport[]): ReadonlySet<string> {
  return new Set(reports.filter((each) => each.kind === kind).map(({ deliveryId }) => deliveryId))
}

function toldOf(kind: ReportedKind, statuses: Evidence['statuses']): ReadonlySet<string> {
  return new Set(
    statuses.flatMap(({ status, deliveryId, automatic }) =>
      status === kind && deliveryId !== null && !automatic ? [deliveryId] : [],
    ),
  )
}
