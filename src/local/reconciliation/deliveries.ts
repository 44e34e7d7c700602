/**
 * Calls that a provider accepted = deliveries sent in Postgres = `sent` on the status topic, delivery by delivery; and
 * every other end of a delivery on the status topic too.
 */
import { isFinal, type DeliveryState } from '../../domain/delivery-state.ts'
import type { Difference, DifferenceKind } from './difference.ts'
import type { Evidence, LoggedDelivery, ProviderCall, PublishedStatus } from './evidence.ts'

const sentOrLater: ReadonlySet<DeliveryState> = new Set([
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
])

export function isSent({ state }: Pick<LoggedDelivery, 'state'>): boolean {
  return sentOrLater.has(state)
}

/** @param statuses each once. */
export function reconcileDeliveries(
  { calls, deliveries }: Pick<Evidence, 'calls' | 'deliveries'>,
  statuses: readonly PublishedStatus[],
): Difference[] {
  return [
    ...deliveries.filter(({ state }) => !isFinal(state)).map(({ deliveryId }) => difference('not_final', deliveryId)),
    ...compareWithCalls(deliveries.filter(isSent), calls),
    ...compareWithStatuses(deliveries, statuses),
    ...repeatedCalls(calls),
  ]
}

function difference(kind: DifferenceKind, id: string): Difference {
  return { kind, id }
}

/** Both name the provider's own id of the message, which no other call has. */
function compareWithCalls(sent: readonly LoggedDelivery[], calls: readonly ProviderCall[]): Difference[] {
  const accepted = new Map(
    calls.filter(({ verdict }) => verdict === 'accepted').map((call) => [messageNameOf(call), call]),
  )
  const recorded = new Set(sent.map(messageNameOf))
  return [
    ...sent
      .filter((delivery) => !accepted.has(messageNameOf(delivery)))
      .map(({ deliveryId }) => difference('sent_unaccepted', deliveryId)),
    ...[...accepted]
      .filter(([name]) => !recorded.has(name))
      .map(([, { deliveryId, sequence }]) => difference('accepted_unrecorded', deliveryId ?? `call ${sequence}`)),
  ]
}

function messageNameOf({
  channel,
  provider,
  providerMessageId,
}: Pick<LoggedDelivery, 'channel' | 'provider' | 'providerMessageId'>): string {
  return `${channel} ${provider ?? ''} ${providerMessageId ?? ''}`
}

/** The statuses that end a delivery. What feedback reports beyond `sent` has statuses of its own beside it. */
const ends = ['sent', 'unknown', 'failed', 'suppressed', 'expired', 'cancelled'] as const

function compareWithStatuses(
  deliveries: readonly LoggedDelivery[],
  statuses: readonly PublishedStatus[],
): Difference[] {
  const inPostgres = new Set(
    deliveries
      .filter(({ state }) => isFinal(state))
      .map((delivery) => `${delivery.deliveryId} ${isSent(delivery) ? 'sent' : delivery.state}`),
  )
  const onTopic = new Set(
    statuses
      .filter(({ deliveryId, status }) => deliveryId !== null && (ends as readonly string[]).includes(status))
      .map(({ deliveryId, status }) => `${deliveryId} ${status}`),
  )
  return [
    ...[...inPostgres].filter((end) => !onTopic.has(end)).map((end) => difference('state_without_status', end)),
    ...[...onTopic].filter((end) => !inPostgres.has(end)).map((end) => difference('status_without_state', end)),
  ]
}

/** Every call counts, accepted or not: one `send` is one call. A call that names no delivery has only itself. */
function repeatedCalls(calls: readonly ProviderCall[]): Difference[] {
  const byDelivery = Map.groupBy(calls, ({ deliveryId, sequence }) => deliveryId ?? `call ${sequence}`)
  return [...byDelivery]
    .filter(([, ofDelivery]) => ofDelivery.length > 1)
    .map(([deliveryId]) => difference('called_twice', deliveryId))
}
