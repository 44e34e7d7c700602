/**
 * The reconciliation: whether what the providers took, what Postgres recorded and what the status topic says are the
 * same, and the same as what was published. Pure, so that a test can plant every difference.
 */
import { channels, type Channel } from '../../domain/channel.ts'
import { isSent, reconcileDeliveries } from './deliveries.ts'
import type { Difference } from './difference.ts'
import type { Evidence, PublishedStatus } from './evidence.ts'
import { reconcileNotifications } from './notifications.ts'
import { countReports, reconcileReports, type ReportCounts } from './reports.ts'

export interface Reconciliation {
  /** The three numbers that have to be equal, by channel. */
  sentByChannel: Record<Channel, { ledger: number; postgres: number; statusTopic: number }>
  events: { published: number; postgres: number; statusTopic: number }
  /** What was reported after the hand-over: three numbers that have to be equal, too. */
  reports: ReportCounts[]
  /** Copies of statuses that lie on the topic: allowed, since consumers drop a statusId that they have seen. */
  repeatedStatuses: number
  /** Empty where everything agrees. */
  differences: Difference[]
}

/** @param waiting names (`nameOf`) of the notifications that may still wait; nobody else may. */
export function reconcile(evidence: Evidence, waiting: ReadonlySet<string> = new Set()): Reconciliation {
  const statuses = distinct(evidence.statuses)
  return {
    sentByChannel: countSent(evidence, statuses),
    events: {
      published: evidence.published.length,
      postgres: evidence.notifications.length,
      statusTopic: new Set(statuses.map(({ source, notificationId }) => `${source}/${notificationId}`)).size,
    },
    reports: countReports(evidence),
    repeatedStatuses: evidence.statuses.length - statuses.length,
    differences: [
      ...reconcileNotifications(evidence, statuses, waiting),
      ...reconcileDeliveries(evidence, statuses),
      ...reconcileReports(evidence),
    ],
  }
}

function distinct(statuses: readonly PublishedStatus[]): PublishedStatus[] {
  return [...new Map(statuses.map((status) => [status.statusId, status])).values()]
}

function countSent(
  { calls, deliveries }: Evidence,
  statuses: readonly PublishedStatus[],
): Reconciliation['sentByChannel'] {
  const accepted = countByChannel(calls.filter(({ verdict }) => verdict === 'accepted'))
  const sent = countByChannel(deliveries.filter(isSent))
  const onTopic = new Map(
    statuses.filter(({ status }) => status === 'sent').map((status) => [status.deliveryId, status]),
  )
  const said = countByChannel([...onTopic.values()])
  const counts = channels.map((channel) => [
    channel,
    { ledger: accepted(channel), postgres: sent(channel), statusTopic: said(channel) },
  ])
  // Built from the channels themselves, so each of them is there.
  return Object.fromEntries(counts) as Reconciliation['sentByChannel']
}

function countByChannel(items: readonly { channel: string | null }[]): (channel: Channel) => number {
  const grouped = Map.groupBy(items, ({ channel }) => channel)
  return (channel) => grouped.get(channel)?.length ?? 0
}
