/**
 * Stage 7, forward: commands for the senders and statuses for everybody, from what is on record.
 *
 * Everything here is a function of the event and the recorded decision, so a redelivery makes the same bytes' meaning
 * again: the same delivery ids, the same status ids.
 */
import { commandFor } from '../../domain/command-for.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { PlannedDelivery, RoutingDecision } from '../../domain/notification-log.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { deliveryHeaders, traceHeaders } from '../../domain/record-headers.ts'
import { notificationStatus, type NotificationStep, type StatusSubject } from '../../domain/status-record.ts'
import type { Request } from './decode.ts'
import type { RouterPorts } from './ports.ts'

export interface Forwardable {
  request: Request
  decision: RoutingDecision
  decidedAtMs: number
  /** Of a redelivery: what became of the deliveries since. Those that moved had their command. */
  stateOf?: Readonly<Record<string, DeliveryState>>
}

export function forward(item: Forwardable, ports: RouterPorts): OutgoingRecord[] {
  const commands = item.decision.deliveries
    .filter(({ deliveryId }) => (item.stateOf?.[deliveryId] ?? 'routed') === 'routed')
    .map((planned) => commandRecord(item, planned, ports))
  return [...commands, ...decisionStatuses(item).map((step) => statusRecord(item.request, step, ports))]
}

function commandRecord({ request, decidedAtMs }: Forwardable, planned: PlannedDelivery, ports: RouterPorts) {
  const { event, key, record, pass } = request
  const command = commandFor(planned, { event, key, routedAtMs: decidedAtMs, pass })
  return {
    topic: ports.topics.deliveries(planned.channel, planned.lane),
    key: String(event.userId),
    value: ports.encodeCommand(command),
    headers: {
      ...traceHeaders(record.headers),
      ...deliveryHeaders({ hop: 1, attempt: 0, dueAtMs: null, redrives: 0 }),
    },
  }
}

type Step = Omit<NotificationStep, 'pass' | 'templateId' | 'templateVersion' | 'original'> & {
  template?: PlannedDelivery
}

function decisionStatuses({ decision, decidedAtMs }: Forwardable): Step[] {
  const [planned] = decision.deliveries
  const suppressed = decision.suppressedChannels.map(({ channel, reason }): Step => ({
    status: 'suppressed',
    reason,
    detail: null,
    channel,
    plannedDeliveries: null,
    occurredAt: decidedAtMs,
  }))
  if (decision.kind === 'suppressed') return suppressed
  const whole: Step = {
    status: decision.kind,
    reason: decision.reason,
    detail: decision.detail,
    channel: null,
    plannedDeliveries: decision.kind === 'routed' ? decision.deliveries.length : null,
    occurredAt: decidedAtMs,
    ...(planned === undefined ? {} : { template: planned }),
  }
  return [whole, ...suppressed]
}

function statusRecord(request: Request, step: Step, ports: RouterPorts): OutgoingRecord {
  const { event, key, pass } = request
  const lane = step.template?.lane ?? request.lane
  const subject = { ...key, userId: event.userId, category: event.category, lane, createdAt: event.createdAt }
  return publishStatus(
    notificationStatus(
      subject,
      {
        ...step,
        pass,
        original: null,
        templateId: step.template?.templateId ?? event.template,
        templateVersion: step.template?.templateVersion ?? null,
      },
      ports.sha1,
    ),
    ports,
  )
}

type StatusPorts = Pick<RouterPorts, 'encodeStatus' | 'topics' | 'sha1' | 'now' | 'observe'>

/** A status about a request that has no decision of its own: a duplicate, a cancelled one, one refused unlogged. */
export function bareStatus(
  subject: StatusSubject,
  step: Pick<NotificationStep, 'status' | 'reason' | 'pass'> & Partial<Pick<NotificationStep, 'detail' | 'original'>>,
  ports: StatusPorts,
): OutgoingRecord {
  return publishStatus(
    notificationStatus(
      subject,
      {
        detail: null,
        original: null,
        ...step,
        channel: null,
        templateId: null,
        templateVersion: null,
        plannedDeliveries: null,
        occurredAt: ports.now(),
      },
      ports.sha1,
    ),
    ports,
  )
}

export function publishStatus(status: DeliveryStatus, ports: StatusPorts): OutgoingRecord {
  ports.observe({ kind: 'status', status })
  return {
    topic: ports.topics.deliveryStatus,
    key: status.notificationId,
    value: ports.encodeStatus(status),
    headers: {},
  }
}
