/**
 * Deliveries, and what became of a decision about one, as text for a terminal. Never an address.
 */
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import { textTable } from '../local/demo/text-table.ts'
import type { Resolution, Resolved } from '../services/held-deliveries/resolve.ts'

export function deliveryTable(deliveries: readonly StoredDelivery[]): string {
  const heading = ['delivery', 'channel', 'state', 'reason', 'hop', 'attempts', 'provider', 'changed', 'due']
  return textTable([heading, ...deliveries.map(rowOf)])
}

function rowOf(delivery: StoredDelivery): string[] {
  const { deliveryId, channel, state, reason, hop, attempt, provider, updatedAtMs, nextDueAtMs } = delivery
  return [
    deliveryId,
    channel,
    state,
    reason ?? '-',
    String(hop),
    String(attempt),
    provider ?? '-',
    secondsOf(updatedAtMs),
    nextDueAtMs === null ? '-' : secondsOf(nextDueAtMs),
  ]
}

/** UTC, to the second. */
export function secondsOf(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`
}

export function resolutionSentence(
  deliveryId: string,
  resolution: Resolution,
  resolved: Resolved,
  nowMs: number,
): string {
  switch (resolved.kind) {
    case 'resolved':
      return resolution === 'sent' ? `${deliveryId} is sent` : resendSentence(resolved.row, nowMs)
    case 'repeated':
      return `${deliveryId} was resolved so before; what follows from it was published once more`
    case 'not_found':
      return `no delivery ${deliveryId} is known`
    case 'not_held':
      return `${deliveryId} is ${resolved.state}, not unknown: there is nothing to decide`
    case 'request_gone':
      return `${deliveryId} cannot be sent again: its request is no longer on the topic. It stays unknown; --sent settles it`
  }
}

function resendSentence({ deliveryId, hop, expiresAtMs }: StoredDelivery, nowMs: number): string {
  const goesOn = `${deliveryId} is sent again, as hop ${hop + 1}`
  return expiresAtMs > nowMs ? goesOn : `${goesOn}: its time was over ${secondsOf(expiresAtMs)}, so it ends as expired`
}
