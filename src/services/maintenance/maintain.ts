/**
 * One round of maintenance: partitions ahead and behind, deliveries whose time is long over, those that are stuck, and the
 * hours of the funnel that have changed.
 *
 * Nothing that changes is indexed, so deliveries are looked for by reading a day's partition whole. A day that no event
 * can be of any more, for which nothing waits and that has nothing open, is remembered and not read again by this process.
 */
import { eventRetentionDays } from '../../domain/request-validation.ts'
import type { StoredDelivery } from '../../domain/stored-delivery.ts'
import { createFunnelCounter, type FunnelPorts } from './count-funnel.ts'

export interface MaintenancePorts extends FunnelPorts {
  maintainPartitions(retentionDays: number): Promise<PartitionReport>
  /** Days with deliveries, oldest first, up to today. */
  days(today: string): Promise<string[]>
  /** Settles at most `limit` of a day; `beforeCommit` happens before they are seen to have moved. */
  sweepExpired(
    day: string,
    sweep: { graceMs: number; limit: number },
    beforeCommit: (expired: readonly StoredDelivery[]) => Promise<void>,
  ): Promise<number>
  findStuck(day: string, unmovedMs: number, limit: number): Promise<StoredDelivery[]>
  /** Whether a delivery of the day is not final, or a notification of the day waits. */
  hasOpen(day: string): Promise<boolean>
  /** Deletes at most `limit` records of each kind that the doors keep for a time only. */
  forgetEnded(limit: number): Promise<{ forgotten: number; more: boolean }>
  /** Publishes their statuses; resolves once all are acknowledged. */
  publishExpired(expired: readonly StoredDelivery[]): Promise<void>
}

export interface PartitionReport {
  today: string
  daysAheadBefore: number
  created: string[]
  retirement: {
    dropped: string[]
    kept: { partition: string; because: 'open' | 'busy'; openRows: number }[]
  }
}

export interface MaintenanceReport {
  partitions: PartitionReport
  /** So few days were left that the next missed rounds would have refused events. */
  runningOut: boolean
  expired: number
  /** Records of the doors that had ended: idempotency keys, receipts of webhooks, soft bounces. */
  forgotten: number
  /** Hours of the funnel that were counted again. */
  hoursCounted: number
  /** At most `stuckShown`. */
  stuck: StoredDelivery[]
}

/** With fewer days ahead than this, somebody must look why nobody maintained. */
export const daysAheadMin = 3
/** A provider call and its settlement end long before; so do the redeliveries after a crash. */
const expiryGraceMs = 3_600_000
/** Rows that one transaction locks while their statuses are published. */
const sweepBatch = 500
export const stuckShown = 100
/** Short statements: those who come in wait for nobody. */
const forgetBatch = 5_000
/** What is left of more than so many batches is the next round's. */
const forgetBatchesMax = 200
/**
 * New events are refused when they are older than 7 days; a day more for those on their way. What waits may be resumed
 * later: its day counts as open until then.
 */
const closedAfterDays = 9

export interface Maintainer {
  /**
   * Does one round.
   * @param ports of this round: the connection may be another one in the next.
   * @param stuckAfterMs how long nothing must have moved a delivery that is not final.
   */
  run(ports: MaintenancePorts, stuckAfterMs: number): Promise<MaintenanceReport>
}

export function createMaintainer(): Maintainer {
  const quietDays = new Set<string>()
  const funnel = createFunnelCounter()

  async function run(ports: MaintenancePorts, stuckAfterMs: number): Promise<MaintenanceReport> {
    const partitions = await ports.maintainPartitions(eventRetentionDays)
    const report: MaintenanceReport = {
      partitions,
      runningOut: partitions.daysAheadBefore < daysAheadMin,
      expired: 0,
      forgotten: await forgetEnded(ports),
      hoursCounted: 0,
      stuck: [],
    }
    const changedSinceMs = await funnel.beginLook(ports)
    const days = await ports.days(partitions.today)
    for (const day of days) {
      if (quietDays.has(day)) continue
      report.expired += await sweepDay(day, ports)
      const room = stuckShown - report.stuck.length
      if (room > 0) report.stuck.push(...(await ports.findStuck(day, stuckAfterMs, room)))
      // After the sweep, which changes rows itself.
      await ports.markChangedHours(day, changedSinceMs)
      if (isClosed(day, partitions.today) && !(await ports.hasOpen(day))) quietDays.add(day)
    }
    report.hoursCounted = await funnel.countMarked(ports, days)
    return report
  }

  return { run }
}

async function forgetEnded(ports: Pick<MaintenancePorts, 'forgetEnded'>): Promise<number> {
  let forgotten = 0
  for (let batch = 0; batch < forgetBatchesMax; batch += 1) {
    const done = await ports.forgetEnded(forgetBatch)
    forgotten += done.forgotten
    if (!done.more) break
  }
  return forgotten
}

async function sweepDay(day: string, ports: MaintenancePorts): Promise<number> {
  let expired = 0
  for (;;) {
    const sweep = { graceMs: expiryGraceMs, limit: sweepBatch }
    const moved = await ports.sweepExpired(day, sweep, (expired) => ports.publishExpired(expired))
    expired += moved
    if (moved < sweepBatch) return expired
  }
}

function isClosed(day: string, today: string): boolean {
  return Date.parse(today) - Date.parse(day) > closedAfterDays * 86_400_000
}
