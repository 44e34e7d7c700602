/**
 * Cancelling: marks the notification, whether its request has come or not, and stops every delivery that nobody claimed.
 *
 * One transaction in the log. Asked again it answers the same, so what a crash left unpublished is published then.
 */
import type { Cancellation, CancelledDelivery } from '../../domain/cancellation.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { deliveryStatus } from '../../domain/status-record.ts'
import { idOf } from './look-up.ts'
import type { CancelRequest } from './decode.ts'
import { bareStatus, publishStatus } from './forward.ts'
import type { RouterPorts } from './ports.ts'

export type CancelPorts = Pick<RouterPorts, 'encodeStatus' | 'topics' | 'sha1' | 'now' | 'observe'> & {
  log: Pick<RouterPorts['log'], 'cancel'>
  caps: Pick<RouterPorts['caps'], 'release'>
}

/** @returns one `cancelled` for each delivery that was stopped, or one for the notification that had none yet. */
export async function cancel(request: CancelRequest, ports: CancelPorts): Promise<OutgoingRecord[]> {
  return (await cancelAndTell(request, ports)).statuses
}

/** As `cancel`, with what was found: for whoever waits for the answer. */
export async function cancelAndTell(
  request: CancelRequest,
  ports: CancelPorts,
): Promise<{ found: Cancellation; statuses: OutgoingRecord[] }> {
  const found = await ports.log.cancel({ key: request.key, userId: request.event.userId })
  const { category } = found
  if (category !== null && isStopped(found)) {
    await ports.caps.release({ member: idOf(request.key), userId: request.event.userId, category })
  }
  return { found, statuses: statusesOf(found, request, ports) }
}

/** Nothing of it will be sent, so the place that it had under a cap is nobody's. */
function isStopped({ found, deliveries }: Cancellation): boolean {
  return found === 'deferred' || (deliveries.length > 0 && deliveries.every(({ state }) => state === 'cancelled'))
}

function statusesOf(found: Cancellation, request: CancelRequest, ports: CancelPorts): OutgoingRecord[] {
  // Its request has not come: when it does, it is told with all that it says, and nothing else would be known of it now.
  if (found.category === null) return []
  if (found.found === 'deferred' || found.found === 'cancelled') {
    const subject = { ...subjectOf(request), category: found.category, lane: request.lane }
    return [bareStatus(subject, { status: 'cancelled', reason: 'cancelled', pass: found.pass }, ports)]
  }
  return found.deliveries
    .filter(({ state }) => state === 'cancelled')
    .map((delivery) => publishStatus(cancelledStatus(request, delivery, ports), ports))
}

function cancelledStatus(request: CancelRequest, delivery: CancelledDelivery, ports: CancelPorts) {
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
