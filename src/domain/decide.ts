/**
 * The router's decision about one event: pure, and complete enough to be recorded and forwarded from the record.
 *
 * In this order: what makes no sense fails; what is past its expiry expires; what is for later, or for somebody who is
 * not known yet, waits; channels that the person does not want or cannot be reached on fall away; and what is left waits
 * for the end of the person's quiet. Caps come after it (see throttle), for they count only what would be sent.
 */
import type { Category } from './category.ts'
import type { RequestChannel } from './channel.ts'
import { expiryOf, pendingUser } from './deferral.ts'
import type { NotificationRequested } from './notification.ts'
import type { RoutingDecision, SuppressedChannel } from './notification-log.ts'
import { planChannel, type PlannedChannel, type PlanInput } from './plan-channel.ts'
import type { Profile } from './profile.ts'
import { quietOf, type Quiet } from './quiet-of.ts'
import type { DeferralReason, RequestReason, StatusReason } from './reason.ts'
import type { PublishedTemplate } from './template.ts'

export interface DecisionInput extends Pick<PlanInput, 'deliveryId' | 'isSuppressed'> {
  event: NotificationRequested
  /** The request's channels, or null for the category's. */
  channels: readonly RequestChannel[] | null
  profile: Profile | undefined
  category: Category | undefined
  template: PublishedTemplate | undefined
  /** Unix ms; of a resumed pass at least the moment that it was deferred to. */
  nowMs: number
  /** An IANA name, for people about whose zone nothing is known. */
  defaultZone: string
}

export function decide(input: DecisionInput): RoutingDecision {
  const { event, category, template, profile, nowMs } = input
  if (category === undefined) return failed('unknown_category')
  if (template === undefined) return failed('unknown_template')
  const expiresAt = expiryOf(event, category)
  if (expiresAt <= nowMs) return expired('past_expiry')
  if (event.sendAt !== null && event.sendAt > nowMs) return deferred('send_at', event.sendAt)
  if (profile === undefined) {
    const pendingUntilMs = pendingUser(event.createdAt, nowMs)
    return pendingUntilMs === undefined || pendingUntilMs >= expiresAt
      ? failed('unknown_user')
      : deferred('user_pending', pendingUntilMs)
  }
  const known = { ...input, category, template, profile, expiresAt }
  const quiet = quietOf(category, profile, { fromMs: nowMs, untilMs: expiresAt, defaultZone: input.defaultZone })
  const planned = (input.channels ?? category.channels).map((channel) => planChannel(channel, { ...known, quiet }))
  return conclude(planned, quiet, expiresAt)
}

function conclude(planned: readonly PlannedChannel[], quiet: Quiet, expiresAt: number): RoutingDecision {
  // The producer's fault, whoever the person is: said before anything that is the person's wish.
  const missing = planned.find((plan) => plan.kind === 'missing_variable')
  if (missing !== undefined) return { ...failed('missing_variable'), detail: missing.variable }
  const suppressedChannels = planned.flatMap(suppressionsOf)
  const deliveries = planned.flatMap((plan) => (plan.kind === 'planned' ? plan.deliveries : []))
  if (deliveries.length === 0) {
    const [first] = suppressedChannels
    // A template that fits none of the channels is the producer's fault, not the person's wish.
    if (first === undefined || suppressedChannels.every(({ reason }) => reason === 'no_template')) {
      return failed('unknown_template')
    }
    return { ...nothing, kind: 'suppressed', reason: first.reason, suppressedChannels }
  }
  if (quiet.untilMs !== null) {
    return quiet.untilMs < expiresAt ? deferred('quiet_hours', quiet.untilMs) : expired('quiet_hours')
  }
  return { ...nothing, kind: 'routed', reason: null, deliveries, suppressedChannels }
}

/** Said also where only some of a channel's devices are suppressed: nobody should have to ask why one stayed silent. */
function suppressionsOf(plan: PlannedChannel): SuppressedChannel[] {
  if (plan.kind === 'suppressed') return [{ channel: plan.channel, reason: plan.reason }]
  return plan.kind === 'planned' && plan.isPartial ? [{ channel: plan.channel, reason: 'address_suppressed' }] : []
}

const nothing = { detail: null, deferredUntilMs: null, deliveries: [], suppressedChannels: [] }

export function failed(reason: RequestReason): RoutingDecision {
  return { ...nothing, kind: 'failed', reason }
}

export function expired(reason: StatusReason): RoutingDecision {
  return { ...nothing, kind: 'expired', reason }
}

export function deferred(reason: DeferralReason, untilMs: number): RoutingDecision {
  return { ...nothing, kind: 'deferred', reason, deferredUntilMs: untilMs }
}
