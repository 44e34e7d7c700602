/**
 * Deliveries in Postgres as reports meet them: found by their ids, moved upward, and their hours marked for a recount.
 *
 * A delivery's day, and so its partition, is read from its id: each call is one round trip for each day among them.
 */
import type { DeliveryReport } from '../domain/delivery-report.ts'
import type { ReportedDelivery } from '../domain/feedback-effect.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { dayOfDelivery, isPossibleDay, toStoredDelivery, type StoredDeliveryRow } from './stored-delivery-row.ts'
import { assertDistinct, column, groupByDay, timestampOf, timestampOrNull, withoutNul } from './values.ts'

const loadStatementOfReported = loadStatement('load-reported-deliveries')
const applyStatement = loadStatement('apply-reports')
const markStatement = loadStatement('mark-funnel-hours')

export interface DeliveryReports {
  /** Those that have a row, by id in lower case. */
  find(deliveryIds: readonly string[]): Promise<Map<string, ReportedDelivery>>
  /**
   * Merges each report into its row, as `mergeReports` would; committed when it answers. What has no row is left out.
   * @param reports no two about the same delivery (throws).
   * @returns the ids of the rows that learned something.
   */
  apply(reports: readonly DeliveryReport[]): Promise<string[]>
  /** Asks for a recount of the hours of these moments, Unix ms; after `apply` has answered, whose rows they count. */
  markHours(momentsMs: readonly number[]): Promise<void>
}

export function createDeliveryReports(pool: Queryable): DeliveryReports {
  async function find(deliveryIds: readonly string[]): Promise<Map<string, ReportedDelivery>> {
    const found = new Map<string, ReportedDelivery>()
    const askable = [...new Set(deliveryIds)].filter(isPossibleDay)
    for (const [day, ids] of groupByDay(askable, dayOfDelivery)) {
      const rows = await pool.query<StoredDeliveryRow & { address: string }>(loadStatementOfReported, [day, ids])
      for (const row of rows) found.set(row.delivery_id, { ...toStoredDelivery(row), address: row.address })
    }
    return found
  }

  async function apply(reports: readonly DeliveryReport[]): Promise<string[]> {
    assertDistinct(reports, ({ deliveryId }) => deliveryId, 'reports')
    const changed: string[] = []
    for (const [day, reportsOfDay] of groupByDay(reports, ({ deliveryId }) => dayOfDelivery(deliveryId))) {
      const rows = await pool.query<{ delivery_id: string }>(applyStatement, [day, ...reportColumns(reportsOfDay)])
      for (const row of rows) changed.push(row.delivery_id)
    }
    return changed
  }

  async function markHours(momentsMs: readonly number[]): Promise<void> {
    if (momentsMs.length > 0) await pool.query(markStatement, [momentsMs.map(timestampOf)])
  }

  return { find, apply, markHours }
}

/** In the order of `report` in apply-reports.sql. What a provider said may hold any character. */
function reportColumns(reports: readonly DeliveryReport[]): unknown[][] {
  return [
    column(reports, (report) => report.deliveryId),
    column(reports, (report) => report.state),
    column(reports, (report) => timestampOrNull(report.deliveredAt)),
    column(reports, (report) => timestampOrNull(report.bouncedAt)),
    column(reports, (report) => report.bounceReason),
    column(reports, (report) => timestampOrNull(report.openedAt)),
    column(reports, (report) => timestampOrNull(report.clickedAt)),
    column(reports, (report) => timestampOrNull(report.unsubscribedAt)),
    column(reports, (report) => withoutNul(report.provider)),
    column(reports, (report) => withoutNul(report.providerMessageId)),
  ]
}
