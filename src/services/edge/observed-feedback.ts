/**
 * Feedback that the edge itself observed: an open, a click, what an app reported, somebody who left a category.
 *
 * Its id follows from what happened and not from when: a pixel that is fetched ten times is one open, and whoever reads
 * the status topic absorbs what is published twice.
 */
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'

export type Observed =
  | { kind: 'delivered' | 'opened'; automatic: boolean }
  | { kind: 'clicked'; linkId: string; automatic: boolean }
  /** `left`: what of the person's settings it was, for the id. `category`: null for all that can be left. */
  | { kind: 'unsubscribed'; category: string | null; left: string }

/** @param nowMs Unix ms. */
export function observedFeedback(deliveryId: string, observed: Observed, nowMs: number): ProviderFeedback {
  return {
    feedbackId: ['edge', observed.kind, deliveryId, ...particularsOf(observed)].join(':'),
    kind: observed.kind,
    deliveryId,
    provider: null,
    providerMessageId: null,
    channel: null,
    addressHash: null,
    category: observed.kind === 'unsubscribed' ? observed.category : null,
    permanent: null,
    reason: null,
    providerCode: null,
    linkId: observed.kind === 'clicked' ? observed.linkId : null,
    automatic: observed.kind === 'unsubscribed' ? false : observed.automatic,
    invalidSince: null,
    occurredAt: nowMs,
    receivedAt: nowMs,
  }
}

/** A machine's open is another event than the person's: the one must not hide the other. */
function particularsOf(observed: Observed): string[] {
  switch (observed.kind) {
    case 'delivered':
    case 'opened':
      return observed.automatic ? ['automatic'] : []
    case 'clicked':
      return [observed.linkId, ...(observed.automatic ? ['automatic'] : [])]
    case 'unsubscribed':
      return [observed.left]
  }
}
