/**
 * What a cancel found, and what is left of the notification after it.
 */
import type { Channel, Lane } from './channel.ts'
import type { DeliveryState } from './delivery-state.ts'
import type { DecisionKind } from './notification-log.ts'

export interface Cancellation {
  /** The decision before; `absent` if the request has not come yet (when it does, it finds itself cancelled). */
  found: DecisionKind | 'absent'
  pass: number
  /** Null if the request has not come yet. */
  category: string | null
  /**
   * Every delivery of the notification as it is now: `cancelled` by this or an earlier cancel, or gone too far. The same
   * cancel once more answers the same, so statuses that a crash left unpublished are published then.
   */
  deliveries: CancelledDelivery[]
}

/** All that a status about it needs besides the cancel itself. */
export interface CancelledDelivery {
  deliveryId: string
  state: DeliveryState
  channel: Channel
  category: string
  lane: Lane
  templateId: string
  templateVersion: number
  locale: string
  hop: number
  attempt: number
  provider: string | null
}
