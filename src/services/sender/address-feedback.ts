/**
 * What a refusal says of the address itself, as feedback: so that dead tokens and numbers that said STOP end in one place,
 * whoever noticed it.
 *
 * It goes out with the delivery's status. A crash before that loses it, and the next message to the same address is
 * refused again.
 */
import type { Outcome } from '../../domain/provider.ts'
import { feedbackKeyOf, type FeedbackKind, type ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import type { Job } from './decode.ts'
import type { SenderPorts } from './ports.ts'

/** @returns nothing for an answer that says nothing of the address. */
export function addressFeedbackOf(job: Job, outcome: Outcome, ports: SenderPorts): OutgoingRecord[] {
  const kind = kindOf(outcome)
  if (kind === undefined || outcome.kind !== 'rejected') return []
  const { deliveryId, channel, address } = job.command
  const nowMs = ports.now()
  const feedback: ProviderFeedback = {
    // By delivery and hop: a second call that is refused is another report, and changes nothing.
    feedbackId: `${ports.provider.name}:${kind}:${deliveryId}:${job.headers.hop}`,
    kind,
    deliveryId,
    provider: ports.provider.name,
    providerMessageId: null,
    channel,
    addressHash: ports.hashAddress(channel, address),
    category: null,
    permanent: true,
    reason: outcome.reason,
    providerCode: null,
    linkId: null,
    automatic: false,
    invalidSince: outcome.invalidSinceMs ?? null,
    occurredAt: nowMs,
    receivedAt: nowMs,
  }
  const key = feedbackKeyOf(feedback)
  return [{ topic: ports.topics.feedback, key, value: ports.encodeFeedback(feedback), headers: {} }]
}

function kindOf(outcome: Outcome): FeedbackKind | undefined {
  if (outcome.kind !== 'rejected') return undefined
  if (outcome.invalidAddress === true) return 'invalid_address'
  return outcome.reason === 'recipient_opted_out' ? 'stopped' : undefined
}
