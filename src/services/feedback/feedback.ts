/**
 * The feedback service: decode → find → apply → publish → write → refresh, a chunk at a time.
 *
 * Statuses go out before the rows move, because what they say follows from the rows as they were: a row that no
 * acceptance was told of gets its `sent` with the first report about it, and once it has moved nobody could see that it
 * is missing. So a crash before the publication leaves nothing done; one after it repeats the same statuses under the
 * same ids and then does the rest. Every write that follows is a minimum, a maximum or an insertion that changes nothing
 * the second time, so a crash between any two of them repeats to the same end.
 */
import { effectOf, type FeedbackAction, type ReportedDelivery } from '../../domain/feedback-effect.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { collect, type Collected } from './collect.ts'
import { decode, type Decoded } from './decode.ts'
import type { FeedbackPorts } from './ports.ts'

export interface Feedback {
  /** Settles the whole chunk, or throws. */
  handle(records: readonly ConsumedRecord[]): Promise<void>
}

export function createFeedback(ports: FeedbackPorts): Feedback {
  async function handle(records: readonly ConsumedRecord[]): Promise<void> {
    const { feedback, deadLetters } = await decode(records, ports.reader)
    const deliveries = await ports.rows.find(feedback.flatMap(({ deliveryId }) => deliveryId?.toLowerCase() ?? []))
    const collected = collect(feedback.flatMap((each) => apply(each, deliveries, ports)))
    await ports.publish([...statusRecords(collected, ports), ...deadLetterRecords(deadLetters, ports)])
    await write(collected, ports)
  }

  return { handle }
}

function apply(
  feedback: ProviderFeedback,
  deliveries: ReadonlyMap<string, ReportedDelivery>,
  ports: FeedbackPorts,
): FeedbackAction[] {
  const { deliveryId, kind } = feedback
  const delivery = deliveryId === null ? undefined : deliveries.get(deliveryId.toLowerCase())
  const about = delivery === undefined ? (deliveryId === null ? 'address' : 'orphan') : 'delivery'
  ports.observe({ kind: 'feedback', feedbackKind: kind, about })
  return effectOf(feedback, delivery, ports)
}

/** An orphan has no notification to be keyed by; by its delivery its statuses stay together all the same. */
function statusRecords({ statuses }: Collected, { topics, encodeStatus, observe }: FeedbackPorts): OutgoingRecord[] {
  return statuses.map((status) => {
    observe({ kind: 'status', status })
    const key = status.notificationId === '' ? status.deliveryId : status.notificationId
    return { topic: topics.deliveryStatus, key, value: encodeStatus(status), headers: {} }
  })
}

function deadLetterRecords(deadLetters: Decoded['deadLetters'], ports: FeedbackPorts): OutgoingRecord[] {
  return deadLetters.map(({ record, reason }) => deadLetterOf(record, reason, ports))
}

function deadLetterOf(record: ConsumedRecord, reason: DeadLetterReason, ports: FeedbackPorts): OutgoingRecord {
  ports.observe({ kind: 'dead_letter', topic: record.topic, reason })
  return ports.deadLetter(ports.topics.feedbackDeadLetter, record, reason)
}

async function write(collected: Collected, ports: FeedbackPorts): Promise<void> {
  const { rows, hygiene } = ports
  await rows.apply(collected.reports)
  await rows.markHours(collected.reportedMoments)
  await hygiene.suppress(collected.suppressions)
  for (const { channel, cause } of collected.suppressions) ports.observe({ kind: 'suppressed', channel, cause })
  // After the STOPs of the same chunk, which it takes back where it came later.
  await hygiene.liftStops(collected.lifted)
  await hygiene.recordSoftBounces(collected.softBounces)
  const owners = await hygiene.invalidateDevices(collected.deadTokens)
  if (owners.length > 0) ports.observe({ kind: 'devices_invalidated', count: owners.length })
  await ports.writeOptOuts(collected.optOuts)
  // All whom it may have been, and not only those whose rows changed now: a crash may have come between.
  await ports.refreshProfiles([...new Set([...collected.userIds, ...owners])])
}
