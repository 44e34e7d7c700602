/**
 * What the demo's script predicts of its special events, and whether the three parties say the same of each of them.
 *
 * The predictions are made before anything runs and from the script alone; nothing is read back from Fanfare. Pure.
 */
import { createHash } from 'node:crypto'
import { deliveryIdOf, type Digest } from '../../domain/identity.ts'
import { isSent } from '../reconciliation/deliveries.ts'
import { isReported } from '../reconciliation/reports.ts'
import {
  nameOf,
  type Evidence,
  type LoggedNotification,
  type NotificationIdentity,
  type ProviderCall,
  type PublishedStatus,
} from '../reconciliation/evidence.ts'

interface Prediction {
  title: string
  /** Everything that the status topic says of such an event, as `status/reason`. */
  statuses: readonly string[]
  /** Where its row ends, and after it its deliveries. */
  row: readonly string[]
  calls: 0 | 1
}

const sent = { row: ['routed', 'sent'], calls: 1 } as const

/** All special events are emails: one delivery, or none. */
export const predictions = {
  opted_out: unsent('opted out: suppressed', ['suppressed/opted_out']),
  quiet: unsent('in quiet hours: waits', ['deferred/quiet_hours']),
  quiet_all_day: unsent('quiet until it expires: expired', ['expired/quiet_hours']),
  within_cap: { title: 'within a cap: sent', statuses: ['routed', 'sent'], ...sent },
  over_cap_briefly: {
    title: 'over a cap of seconds: deferred, then sent',
    statuses: ['deferred/over_cap', 'routed', 'sent'],
    ...sent,
  },
  over_cap: unsent('over a cap of an hour: waits', ['deferred/over_cap']),
  scheduled: {
    title: 'scheduled: deferred, then sent, never early',
    statuses: ['deferred/send_at', 'routed', 'sent'],
    ...sent,
  },
  cancelled_ahead: unsent('cancelled before it came: not sent', ['cancelled/cancelled']),
  cancelled_waiting: unsent('cancelled while it waited: not sent', ['deferred/send_at', 'cancelled/cancelled']),
  repeated: {
    title: 'published twice: duplicate, sent once',
    statuses: ['routed', 'duplicate/repeated_id', 'sent'],
    ...sent,
  },
  conflicting: {
    title: 'its id used again: conflict, sent once',
    statuses: ['routed', 'duplicate/conflict', 'sent'],
    ...sent,
  },
} as const satisfies Record<string, Prediction>
export type Outcome = keyof typeof predictions

// The keys of the table above.
export const predictedOutcomes = Object.keys(predictions) as Outcome[]

function unsent(title: string, statuses: readonly string[]): Prediction {
  return { title, statuses, row: statuses.slice(-1), calls: 0 }
}

/** Whether it is still waiting when the demo ends. */
export function waits(outcome: Outcome): boolean {
  return predictions[outcome].row.some((word) => word.startsWith('deferred/'))
}

/** An event as it was published. */
export interface PublishedEvent extends NotificationIdentity {
  createdAt: number
  sendAt: number | null
  /** Null of the ordinary ones, of which nothing is predicted. */
  outcome: Outcome | null
}

/** How many events there were to be of an outcome, and how many each party describes exactly so. */
export interface PredictionLine {
  title: string
  predicted: number
  statusTopic: number
  postgres: number
  /** Without a call where none is predicted; else with the one that is, accepted and not early. */
  ledger: number
  /** Calls predicted and found. */
  calls: { predicted: number; found: number }
  holds: boolean
}

/** @param predicted how many events of each outcome the script has, counted before it ran. */
export function comparePredictions(
  predicted: Readonly<Record<Outcome, number>>,
  published: readonly PublishedEvent[],
  evidence: Evidence,
): PredictionLine[] {
  const special = published.filter(({ outcome }) => outcome !== null)
  const testimony = testimonyOf(special, evidence)
  return predictedOutcomes.map((outcome) => {
    const events = special.filter((event) => event.outcome === outcome)
    const { title, statuses, row, calls } = predictions[outcome]
    const count = (agrees: (event: PublishedEvent) => boolean) => events.filter(agrees).length
    const line = {
      title,
      predicted: predicted[outcome],
      statusTopic: count((event) => isAlike(testimony.statusesOf(event), statuses)),
      postgres: count((event) => isAlike(testimony.rowOf(event), row)),
      ledger: count((event) => isCalledAsPredicted(testimony.callsOf(event), calls, event)),
      calls: {
        predicted: predicted[outcome] * calls,
        found: events.reduce((sum, event) => sum + testimony.callsOf(event).length, 0),
      },
    }
    return { ...line, holds: [line.statusTopic, line.postgres, line.ledger].every((each) => each === line.predicted) }
  })
}

interface Testimony {
  statusesOf(event: PublishedEvent): string[]
  rowOf(event: PublishedEvent): string[]
  callsOf(event: PublishedEvent): readonly ProviderCall[]
}

function testimonyOf(special: readonly PublishedEvent[], evidence: Evidence): Testimony {
  const names = new Set(special.map(nameOf))
  const statuses = Map.groupBy(
    evidence.statuses.filter((status) => names.has(nameOf(status))),
    nameOf,
  )
  const rows = Map.groupBy(
    evidence.notifications.filter((row) => names.has(nameOf(row))),
    nameOf,
  )
  const deliveries = new Map(evidence.deliveries.map((delivery) => [delivery.deliveryId, delivery]))
  const calls = Map.groupBy(evidence.calls, ({ deliveryId }) => deliveryId)
  const rowWords = (row: LoggedNotification) =>
    rowWordsOf(row, (id) => {
      const delivery = deliveries.get(id)
      return delivery === undefined ? 'missing' : isSent(delivery) ? 'sent' : delivery.state
    })
  const untilSent = ({ status }: PublishedStatus) => !isReported(status)
  return {
    // What was reported after the hand-over is the closed loop's to predict.
    statusesOf: (event) => storyOf((statuses.get(nameOf(event)) ?? []).filter(untilSent)),
    rowOf: (event) => (rows.get(nameOf(event)) ?? []).flatMap(rowWords),
    callsOf: (event) => calls.get(emailDeliveryIdOf(event)) ?? [],
  }
}

/** Where a notification's row ends, and after it its deliveries. */
export function rowWordsOf(row: LoggedNotification, stateOf: (deliveryId: string) => string): string[] {
  return [wordOf(row.decision, row.reason), ...row.deliveryIds.map(stateOf)]
}

/** Each status once; that a provider asked for another attempt is no part of the prediction. */
export function storyOf(statuses: readonly PublishedStatus[]): string[] {
  const distinct = new Map(statuses.map((status) => [status.statusId, status]))
  return [...distinct.values()]
    .filter(({ status }) => status !== 'retrying')
    .map(({ status, reason }) => wordOf(status, reason))
}

function wordOf(state: string, reason: string | null): string {
  return reason === null ? state : `${state}/${reason}`
}

export function isAlike(found: readonly string[], predicted: readonly string[]): boolean {
  return found.toSorted().join() === predicted.toSorted().join()
}

function isCalledAsPredicted(calls: readonly ProviderCall[], predicted: number, { sendAt }: PublishedEvent): boolean {
  return (
    calls.length === predicted &&
    calls.every(({ verdict, receivedAtMs }) => verdict === 'accepted' && receivedAtMs >= (sendAt ?? 0))
  )
}

const sha256: Digest = (input) => createHash('sha256').update(input).digest()

/** Derived from the event, so that a call is found also where Postgres knows of no delivery. */
function emailDeliveryIdOf({ notificationId, source, createdAt }: PublishedEvent): string {
  return deliveryIdOf({ createdAtMs: createdAt, source, notificationId, channel: 'email', deviceId: null }, sha256)
}
