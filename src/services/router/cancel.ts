/**
 * Cancelling: marks the notification, whether its request has come or not, and stops every delivery that nobody claimed.
 *
 * One transaction in the log. Asked again it answers the same, so what a crash left unpublished is published then.
 */
import type { Cancellation, CancelledDelivery } from '../../domain/cancellation.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { deliveryStatus } from '../../domain/status-record.ts'
import type { CancelRequest } from './decode.ts'
import { bareStatus, publishStatus } from './forward.ts'
import type { RouterPorts } from './ports.ts'

/** @returns one `cancelled` for each delivery that was stopped, or one for the notification that had none yet. */
export async function cancel(request: CancelRequest, ports: RouterPorts): Promise<OutgoingRecord[]> {
  const found = await ports.log.cancel({ key: request.key, userId: request.event.userId })
  if (cameBeforeDeliveries(found)) {
    const subject = { ...subjectOf(request), category: '', lane: request.lane }
    return [bareStatus(subject, { status: 'cancelled', reason: 'cancelled', pass: found.pass }, ports)]
  }
  return found.deliveries
    .filter(({ state }) => state === 'cancelled')
    .map((delivery) => publishStatus(cancelledStatus(request, delivery, ports), ports))
}

function cameBeforeDeliveries({ found }: Cancellation): boolean {
  return found === 'absent' || found === 'deferred' || found === 'cancelled'
}

function cancelledStatus(request: CancelRequest, delivery: CancelledDelivery, ports: RouterPorts) {
  const { hop, attempt, provider } = delivery
  return deliveryStatus(
    { ...subjectOf(request), ...delivery },
    { status: 'cancelled', reason: 'cancelled', hop, attempt, provider, segments: null, occurredAt: ports.now() },
    ports.sha1,
  )
}

function subjectOf({ key, event }: CancelRequest) {
  return { ...key, userId: event.userId, createdAt: event.createdAt }
}
