/**
 * Stage 7, publish: statuses, the next hop and dead letters of a delivery, in one send.
 */
import type { DeliveryState } from '../../domain/delivery-state.ts'
import type { Status } from '../../domain/delivery-status.ts'
import { nextHopRecord } from '../../domain/next-hop.ts'
import type { DeadLetterReason, StatusReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { deliveryHeaders, headerNames, traceHeaders } from '../../domain/record-headers.ts'
import { nextTry, rungFor } from '../../domain/retry-ladder.ts'
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
    status: statusNameOf(row),
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

function statusNameOf({ state, reason }: RowStep): Status {
  if (acceptedStates.has(state)) return 'sent'
  // Never republished; it says that the delivery is on its way.
  if (state === 'claimed') return 'routed'
  if (state !== 'retrying') return state
  // A retry may wait for three things, and each has its word.
  if (reason === 'ambiguous') return 'unknown'
  return reason === 'quiet_hours' ? 'deferred' : 'retrying'
}

/**
 * The record of the next hop, for the rung on which it is due: the command's bytes, and the row's hop, attempts and due
 * time. Published only over a row that waits at this record's hop, which is what makes hop + 1 claimable.
 */
export function nextHopOf(
  job: Job,
  row: { hop: number; attempt: number; nextDueAtMs: number | null },
  settings: SenderSettings,
  ports: SenderPorts,
): OutgoingRecord {
  const { record, headers } = job
  const { channel, lane } = settings
  const nowMs = ports.now()
  ports.observe({ kind: 'waiting', rung: rungFor(row.nextDueAtMs ?? nowMs, nowMs) })
  return nextHopRecord({ ...record, channel, lane, redrives: headers.redrives }, row, { topics: ports.topics, nowMs })
}

/** The same record once more, a rung later: somebody else's lease is live, and waiting for it in memory holds a place. */
export function putBackOf(job: Job, settings: SenderSettings, ports: SenderPorts): OutgoingRecord {
  const { command, headers, record } = job
  const later = { deliveryId: command.deliveryId, hop: headers.hop, attempt: 1, notBeforeMs: undefined }
  const { rung, dueAtMs } = nextTry({ ...later, nowMs: ports.now() }, ports.sha256)
  ports.observe({ kind: 'waiting', rung })
  return {
    topic: ports.topics.retry(settings.lane, rung),
    key: record.key,
    value: record.value,
    headers: {
      ...traceHeaders(record.headers),
      ...deliveryHeaders({ ...headers, dueAtMs }),
      [headerNames.channel]: settings.channel,
    },
  }
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
