/**
 * From a granted claim to what is published: render → send → settle. Nothing here throws for a lost dependency; the
 * outcome of a call lives only in this function until it is settled.
 */
import type { Message } from '../../domain/message.ts'
import type { Outcome } from '../../domain/provider.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { attemptsMax } from '../../domain/retry-ladder.ts'
import type { SettledDelivery, Settlement } from '../../domain/settlement.ts'
import { addressFeedbackOf } from './address-feedback.ts'
import { claim, type Claimed } from './claim.ts'
import { conclude, type Conclusion } from './conclude.ts'
import type { Job } from './decode.ts'
import type { Gate } from './gate.ts'
import type { SenderPorts } from './ports.ts'
import { deadLetterOf, nextHopOf, statusOf } from './publish.ts'
import { send } from './send.ts'
import { accountHoldMs, type SenderSettings } from './sender-settings.ts'
import type { Settler } from './settle.ts'
import type { Patience } from './until-available.ts'

export interface AttemptContext {
  settings: SenderSettings
  ports: SenderPorts
  settler: Settler
  patience: Patience
  gate: Pick<Gate, 'hold' | 'paused'>
  /** Called once the provider has answered: its place may serve another. */
  callEnded(): void
}

/** What a delivery comes to, with what only its status says. */
export type Settling = Conclusion & { provider: string | null; segments: number | null }

/** What a call came to, and what it says of the address. */
type Called = Settling & { addressFeedback: OutgoingRecord[] }

/**
 * @returns what to publish, or the new verdict where the lease could not be renewed.
 */
export async function attempt(claimed: Claimed, context: AttemptContext): Promise<OutgoingRecord[] | Claimed> {
  const { ports } = context
  const rendered = ports.renderer.render(claimed.job.command, claimed.verdict)
  if (rendered.kind === 'refused') {
    return settle(claimed.job, { ...unsent, state: 'failed', reason: rendered.reason }, context)
  }
  const called = await callUntilAccountServes(claimed, rendered.message, context)
  context.callEnded()
  if ('job' in called) return called
  const { addressFeedback, ...settling } = called
  return [...(await settle(claimed.job, settling, context)), ...addressFeedback]
}

/** Of a settlement without a call. */
export const unsent = {
  attemptsSpent: 0,
  nextDueAtMs: null,
  provider: null,
  providerMessageId: null,
  deadLettered: false,
  segments: null,
} as const

async function callUntilAccountServes(
  claimed: Claimed,
  message: Message,
  context: AttemptContext,
): Promise<Called | Claimed> {
  const { ports, settings, gate, patience } = context
  let { leaseEndsAt } = claimed
  for (let tries = 0; ; tries += 1) {
    if (claimed.job.command.expiresAt <= ports.now()) {
      return { ...unsent, state: 'expired', reason: 'past_expiry', addressFeedback: [] }
    }
    if (leaseEndsAt - ports.monotonicNow() < settings.callBudgetMs) {
      const renewed = await patience.untilAvailable('claim', () => claim([claimed.job], settings, ports))
      const [again] = renewed
      if (again?.verdict.action !== 'claim') return again ?? claimed
      leaseEndsAt = again.leaseEndsAt
    }
    // The first call was admitted before any pause; only those that repeat it wait for the channel to be resumed.
    if (tries === 0 || !gate.paused()) {
      const outcome = await send(claimed.job, message, settings, ports)
      const concluded = concludeFor(outcome, claimed, context)
      if (concluded !== 'held') {
        const segments = message.kind === 'sms' ? message.segments : null
        const addressFeedback = addressFeedbackOf(claimed.job, outcome, ports)
        return { ...concluded, provider: ports.provider.name, segments, addressFeedback }
      }
      // The account's fault and not the delivery's: nothing is spent, nothing else starts, the same call is tried later.
      gate.hold(accountHoldMs)
      ports.observe({ kind: 'held', provider: ports.provider.name, holdMs: accountHoldMs })
    }
    await ports.sleep(accountHoldMs)
  }
}

function concludeFor(outcome: Outcome, { job, verdict }: Claimed, { ports, settings }: AttemptContext) {
  return conclude(
    outcome,
    {
      deliveryId: job.command.deliveryId,
      hop: job.headers.hop,
      attemptsBefore: verdict.row?.attempt ?? 0,
      attemptsMax: attemptsMax(settings.channel, verdict.attemptsMax),
      unknownPolicy: job.command.unknownPolicy,
      expiresAt: job.command.expiresAt,
      nowMs: ports.now(),
    },
    ports.sha256,
  )
}

/** Writes what became of the record's hop. @returns what to publish: what the row says then, whoever wrote it. */
export async function settle(job: Job, settling: Settling, context: AttemptContext): Promise<OutgoingRecord[]> {
  const { ports, settings, settler } = context
  const { deadLettered, segments, ...settlement } = settling
  let row: SettledDelivery
  try {
    row = await settler.settle({ ...settlement, deliveryId: job.command.deliveryId, hop: job.headers.hop })
  } catch {
    // The database refuses this outcome itself. Thrown, the record would be claimed and called again.
    return [deadLetterOf(job.record, 'internal_error', settings, ports)]
  }
  if (row.hop !== job.headers.hop) {
    ports.observe({ kind: 'late_result', state: settlement.state })
    return []
  }
  tellLatency(job, settlement, context)
  const status = statusOf(job, { ...row, segments }, settings, ports)
  if (row.state === 'retrying') return [status, nextHopOf(job, row, settings, ports)]
  const { reason } = row
  const kept = deadLettered && row.state === 'failed' && reason !== null
  return kept ? [status, deadLetterOf(job.record, reason, settings, ports)] : [status]
}

function tellLatency(job: Job, { state }: Pick<Settlement, 'state'>, { ports, settings }: AttemptContext): void {
  if (state !== 'sent') return
  const { pass, routedAt, createdAt } = job.command
  // What waited on purpose is not late by that; a producer's clock may be ahead of ours.
  const dueAtMs = pass > 0 ? routedAt : createdAt
  ports.observe({ kind: 'sent', lane: settings.lane, latencyMs: Math.max(0, ports.now() - dueAtMs) })
}
