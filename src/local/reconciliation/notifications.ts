/**
 * Events published = rows of Postgres = decisions on the status topic, notification by notification.
 */
import type { Status } from '../../domain/delivery-status.ts'
import type { Difference, DifferenceKind } from './difference.ts'
import { nameOf, type Evidence, type LoggedNotification, type PublishedStatus } from './evidence.ts'

/**
 * @param statuses each once.
 * @param waiting names of the notifications that may still wait.
 */
export function reconcileNotifications(
  { published, notifications }: Pick<Evidence, 'published' | 'notifications'>,
  statuses: readonly PublishedStatus[],
  waiting: ReadonlySet<string>,
): Difference[] {
  const decisions = Map.groupBy(statuses.filter(isDecision), nameOf)
  const deferrals = new Set(statuses.filter(({ status }) => status === 'deferred').map(nameOf))
  const rows = Map.groupBy(notifications, nameOf)
  const differences: Difference[] = []
  const report = (kind: DifferenceKind, id: string) => differences.push({ kind, id })
  const publishedNames = new Set(published.map(nameOf))
  for (const name of publishedNames) if (!rows.has(name)) report('not_logged', name)
  for (const name of decisions.keys()) if (!rows.has(name)) report('status_without_decision', name)
  for (const [name, [row, ...more]] of rows) {
    if (!publishedNames.has(name)) report('not_published', name)
    if (more.length > 0) report('logged_twice', name)
    if (row === undefined) continue
    if (row.decision === 'deferred') {
      if (!waiting.has(name)) report('undecided', name)
      else if (!deferrals.has(name)) report('decision_without_status', name)
      continue
    }
    for (const kind of differencesOf(row, decisions.get(name) ?? [])) report(kind, name)
  }
  return differences
}

const decisionWords: ReadonlySet<Status> = new Set(['routed', 'suppressed', 'failed', 'expired', 'cancelled'])

/** About the notification or one of its channels, and not about one of its deliveries. */
function isDecision({ deliveryId, status }: PublishedStatus): boolean {
  return deliveryId === null && decisionWords.has(status)
}

function differencesOf(row: LoggedNotification, statuses: readonly PublishedStatus[]): DifferenceKind[] {
  const kinds: DifferenceKind[] = []
  const ofWhole = statuses.filter(({ channel }) => channel === null)
  const ofChannels = statuses.filter(({ channel }) => channel !== null)
  const suppressed = row.suppressedChannels.map(({ channel }) => channel)
  const isSaid = suppressed.every((channel) => ofChannels.some((status) => status.channel === channel))
  // A notification of which every channel is suppressed has those statuses and no further one.
  const wholeIsSaid = row.decision === 'suppressed' || ofWhole.some(({ status }) => status === row.decision)
  if (!isSaid || !wholeIsSaid) kinds.push('decision_without_status')
  const isTrue = ofChannels.every((status) => suppressed.some((channel) => channel === status.channel))
  if (!isTrue || ofWhole.some(({ status }) => status !== row.decision)) kinds.push('status_without_decision')
  const planned = ofWhole.find(({ status }) => status === 'routed')?.plannedDeliveries
  if (planned !== undefined && planned !== row.deliveryIds.length) kinds.push('planned_otherwise')
  return kinds
}
