/**
 * Stage 7, publish: statuses and dead letters of a delivery, in one send.
 */
import type { DeliveryState } from '../../domain/delivery-state.ts'
import type { Status } from '../../domain/delivery-status.ts'
import type { DeadLetterReason, StatusReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { deliveryStatus, type DeliveryStep } from '../../domain/status-record.ts'
import type { Job } from './decode.ts'
import type { SenderPorts } from './ports.ts'
import type { SenderSettings } from './sender-settings.ts'

/** The step as its row tells it, so that a status published again has the id that it had. */
export interface RowStep {
  state: DeliveryState
  hop: number
  attempt: number
  reason: StatusReason | null
  provider: string | null
  segments: number | null
}

export function statusOf(job: Job, row: RowStep, settings: SenderSettings, ports: SenderPorts): OutgoingRecord {
  const step: DeliveryStep = {
    status: statusNameOf(row.state),
    reason: acceptedStates.has(row.state) ? null : row.reason,
    hop: row.hop,
    attempt: row.attempt,
    provider: row.provider,
    segments: row.segments,
    occurredAt: ports.now(),
  }
  const status = deliveryStatus({ ...job.command, lane: settings.lane }, step, ports.sha1)
  ports.observe({ kind: 'status', status })
  return {
    topic: ports.topics.deliveryStatus,
    key: status.notificationId,
    value: ports.encodeStatus(status),
    headers: {},
  }
}

/** What feedback reports beyond the acceptance is published by its own role, under the provider's event ids. */
const acceptedStates: ReadonlySet<DeliveryState> = new Set([
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
])

function statusNameOf(state: DeliveryState): Status {
  if (acceptedStates.has(state)) return 'sent'
  // Neither is ever republished; both say that the delivery is on its way.
  return state === 'claimed' ? 'routed' : state
}

export function deadLetterOf(
  record: ConsumedRecord,
  reason: DeadLetterReason | StatusReason,
  settings: SenderSettings,
  ports: SenderPorts,
): OutgoingRecord {
  ports.observe({ kind: 'dead_letter', topic: record.topic, reason })
  return ports.deadLetter(ports.topics.deliveriesDeadLetter(settings.channel), record, reason)
}
