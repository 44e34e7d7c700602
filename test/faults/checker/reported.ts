/**
 * Reported: what the providers' webhooks brought is told once for each report, and moved its row upward and no further.
 *
 * The providers' own ledger of webhooks is the witness: an event that was answered with success must be told. One that
 * never was may have been taken all the same, where the answer was lost.
 */
import type { Evidence } from './evidence.ts'
import type { StatusRecord, WebhookEvent } from './observations.ts'
import type { Violation, ViolationKind } from './report.ts'
import { isAccepted } from './words.ts'

/** Each provider's words in those of the status topic, as docs/contracts.md gives them; the others tell nothing. */
const statusOfEvent: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  twilio: { delivered: 'delivered', undelivered: 'bounced', read: 'opened' },
  sendgrid: {
    delivered: 'delivered',
    bounce: 'bounced',
    open: 'opened',
    click: 'clicked',
    spamreport: 'unsubscribed',
    unsubscribe: 'unsubscribed',
  },
}

/** What only reports bring, in rank order. */
const reportedStates = ['delivered', 'bounced', 'opened', 'clicked', 'unsubscribed']

export function findMisreported(evidence: Evidence): Violation[] {
  const { deliveries, webhooks, regressions } = evidence
  const reported = Map.groupBy(
    webhooks.filter((event) => event.deliveryId !== null && statusOf(event) !== undefined),
    ({ deliveryId }) => deliveryId?.toLowerCase() ?? '',
  )
  return [
    ...[...reported.keys()]
      .filter((deliveryId) => !evidence.rowOf.has(deliveryId))
      .map((deliveryId) => broken('contradictory', 'a report about a delivery that has no row', deliveryId)),
    ...deliveries.flatMap((row) => {
      const told = evidence.statuses.ofDelivery(row.deliveryId).filter(({ status }) => reportedStates.includes(status))
      const events = reported.get(row.deliveryId) ?? []
      return [...miscounted(row.deliveryId, events, told), ...misplaced(row, told)]
    }),
    ...regressions.map(({ deliveryId, from, to }) =>
      broken('contradictory', 'a state that went back', `${deliveryId} ${from} → ${to}`),
    ),
  ]
}

function broken(kind: ViolationKind, rule: string, subject: string): Violation {
  return { kind, rule, subject }
}

function statusOf({ provider, event }: WebhookEvent): string | undefined {
  return statusOfEvent[provider]?.[event]
}

/** As many distinct statuses of a word as there were events that mean it. */
function miscounted(deliveryId: string, events: readonly WebhookEvent[], told: readonly StatusRecord[]): Violation[] {
  return reportedStates.flatMap((status) => {
    const all = events.filter((event) => statusOf(event) === status)
    const taken = all.filter(({ takenAtMs }) => takenAtMs !== null)
    const times = told.filter((each) => each.status === status).length
    const subject = `${deliveryId} ${status}`
    if (times < taken.length) return [broken('lost', 'a report that was taken and is not told', subject)]
    return times > all.length ? [broken('contradictory', 'told more often than it was reported', subject)] : []
  })
}

/** A machine's open or click is told and moves nothing. */
function misplaced(row: Evidence['deliveries'][number], told: readonly StatusRecord[]): Violation[] {
  const ranks = told.filter(({ automatic }) => !automatic).map(({ status }) => reportedStates.indexOf(status))
  const expected = Math.max(-1, ...ranks)
  const found = reportedStates.indexOf(row.state)
  const subject = `${row.deliveryId} ${row.state}`
  if (told.length > 0 && !isAccepted(row)) return [broken('contradictory', 'reported, and not accepted', subject)]
  if (found < expected) return [broken('contradictory', 'a row behind what is told of it', subject)]
  return found > expected ? [broken('contradictory', 'a row ahead of what is told of it', subject)] : []
}
