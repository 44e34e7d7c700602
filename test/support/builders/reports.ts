/**
 * Reports of every kind, with few moments and reasons, so that they meet.
 */
import fc from 'fast-check'
import type { DeliveryReport, ReportedState } from '../../../src/domain/delivery-report.ts'
import type { ProviderReason } from '../../../src/domain/reason.ts'

const firstMs = Date.UTC(2026, 8, 21, 8)
const moments = [firstMs, firstMs + 1, firstMs + 1_000, firstMs + 60_000]
const states: readonly ReportedState[] = ['sent', 'delivered', 'bounced', 'opened', 'clicked', 'unsubscribed']
const reasons: readonly (ProviderReason | null)[] = ['invalid_address', 'refused', null]

/** Without what its kind does not report. */
export function reportAt(
  deliveryId: string,
  state: ReportedState,
  atMs: number,
  bounceReason: ProviderReason | null = null,
): DeliveryReport {
  const at = (wanted: ReportedState) => (state === wanted ? atMs : null)
  return {
    deliveryId,
    state,
    deliveredAt: at('delivered'),
    bouncedAt: at('bounced'),
    bounceReason: state === 'bounced' ? bounceReason : null,
    openedAt: at('opened'),
    clickedAt: at('clicked'),
    unsubscribedAt: at('unsubscribed'),
    provider: 'sendgrid',
    providerMessageId: 'message-1',
  }
}

export function anyReport(deliveryId: string): fc.Arbitrary<DeliveryReport> {
  return fc
    .record({
      state: fc.constantFrom(...states),
      atMs: fc.constantFrom(...moments),
      reason: fc.constantFrom(...reasons),
    })
    .map(({ state, atMs, reason }) => reportAt(deliveryId, state, atMs, reason))
}
