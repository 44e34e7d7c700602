/**
 * The states of a delivery, in rank order: a settlement moves a row only to a higher rank, so that what came first and
 * says more is never overwritten. Only a claim goes back, from `retrying` to `claimed`, and it raises the hop in the same
 * statement. Postgres's enum `delivery_state` has the same order and compares by it; a test keeps both equal.
 *
 * routed → claimed → sent → delivered → opened … is the straight path. `failed` to `cancelled` are final without an
 * acceptance; `sent` outranks them because feedback or a late answer is proof that the provider accepted.
 */
export const deliveryStates = [
  'routed',
  'claimed',
  'retrying',
  'unknown',
  'failed',
  'suppressed',
  'expired',
  'cancelled',
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
] as const
export type DeliveryState = (typeof deliveryStates)[number]

const firstFinal = deliveryStates.indexOf('unknown')

/** Final: no record moves it any more, except a redrive of exhausted attempts, feedback, or a person (`unknown`). */
export function isFinal(state: DeliveryState): boolean {
  return deliveryStates.indexOf(state) >= firstFinal
}
