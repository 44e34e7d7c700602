/**
 * What reports tell a delivery's row: how far it came, and when each thing was first reported.
 *
 * Reports come in any order and more than once, so everything here is a minimum or a maximum: whatever order they are
 * merged in, alone or many at once, the row ends the same. The statement apply-reports.sql merges a report into a row by
 * the same rules; a test holds both against each other.
 */
import { deliveryStates, type DeliveryState } from './delivery-state.ts'
import type { ProviderReason } from './reason.ts'

/** Every report is proof that the provider accepted, so none leaves a row below `sent`. */
export type ReportedState = Extract<
  DeliveryState,
  'sent' | 'delivered' | 'bounced' | 'opened' | 'clicked' | 'unsubscribed'
>

/** Times are Unix ms, by the provider's clock; null where it was not reported. */
export interface DeliveryReport {
  deliveryId: string
  state: ReportedState
  deliveredAt: number | null
  bouncedAt: number | null
  /** Of the first bounce; the smaller word where two came in the same millisecond. */
  bounceReason: ProviderReason | null
  openedAt: number | null
  clickedAt: number | null
  unsubscribedAt: number | null
  provider: string | null
  providerMessageId: string | null
}

/** Both about the same delivery. */
export function mergeReports(one: DeliveryReport, other: DeliveryReport): DeliveryReport {
  const firstBounce = isEarlierBounce(other, one) ? other : one
  return {
    deliveryId: one.deliveryId,
    state: higherOf(one.state, other.state),
    deliveredAt: earlierOf(one.deliveredAt, other.deliveredAt),
    bouncedAt: firstBounce.bouncedAt,
    bounceReason: firstBounce.bounceReason,
    openedAt: earlierOf(one.openedAt, other.openedAt),
    clickedAt: earlierOf(one.clickedAt, other.clickedAt),
    unsubscribedAt: earlierOf(one.unsubscribedAt, other.unsubscribedAt),
    // A delivery that was called twice has two; as in a settlement, the one that is met first stays.
    provider: one.provider ?? other.provider,
    providerMessageId: one.providerMessageId ?? other.providerMessageId,
  }
}

function higherOf(one: ReportedState, other: ReportedState): ReportedState {
  return deliveryStates.indexOf(one) >= deliveryStates.indexOf(other) ? one : other
}

function earlierOf(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}

function isEarlierBounce(one: DeliveryReport, other: DeliveryReport): boolean {
  if (one.bouncedAt === null || other.bouncedAt === null) return one.bouncedAt !== null
  if (one.bouncedAt !== other.bouncedAt) return one.bouncedAt < other.bouncedAt
  return (one.bounceReason ?? '') < (other.bounceReason ?? '')
}
