/**
 * The router's decision about one event: pure, and complete enough to be recorded and forwarded from the record.
 *
 * Precedence of a person's settings: a mandatory category passes; else the channel switch off wins; else the person's
 * setting for the category; else the category's default. The claim applies the same rule to the rows at send time.
 */
import type { Category } from './category.ts'
import type { Channel, RequestChannel } from './channel.ts'
import { isEmailAddress, isE164 } from './contact-address.ts'
import type { NotificationRequested } from './notification.ts'
import type { PlannedDelivery, RoutingDecision, SuppressedChannel } from './notification-log.ts'
import type { Profile } from './profile.ts'
import type { RequestReason, SuppressionReason } from './reason.ts'
import { pickLocale, type PublishedTemplate } from './template.ts'

export interface DecisionInput {
  event: NotificationRequested
  /** The request's channels, or null for the category's. */
  channels: readonly RequestChannel[] | null
  profile: Profile | undefined
  category: Category | undefined
  template: PublishedTemplate | undefined
  /** Unix ms. */
  nowMs: number
  deliveryId(channel: Channel, deviceId: string | null): string
}

export function decide(input: DecisionInput): RoutingDecision {
  const { event, category, template, profile, nowMs } = input
  if (category === undefined) return failed('unknown_category')
  if (template === undefined) return failed('unknown_template')
  // Waiting needs the scheduler, which a later version brings; sending early would break a promise.
  if (event.sendAt !== null && event.sendAt > nowMs) return failed('invalid_request')
  const expiresAt = expiryOf(event, category)
  if (expiresAt <= nowMs) return { kind: 'expired', reason: 'past_expiry', deliveries: [], suppressedChannels: [] }
  if (profile === undefined) return failed('unknown_user')

  const deliveries: PlannedDelivery[] = []
  const suppressedChannels: SuppressedChannel[] = []
  for (const channel of input.channels ?? category.channels) {
    const plan = planChannel(channel, { ...input, category, template, profile, expiresAt })
    if (typeof plan === 'string') suppressedChannels.push({ channel, reason: plan })
    else deliveries.push(...plan)
  }
  const [first] = suppressedChannels
  if (deliveries.length > 0) return { kind: 'routed', reason: null, deliveries, suppressedChannels }
  // A template that fits none of the channels is the producer's fault, not the person's wish.
  if (first === undefined || suppressedChannels.every(({ reason }) => reason === 'no_template')) {
    return failed('unknown_template')
  }
  return { kind: 'suppressed', reason: first.reason, deliveries, suppressedChannels }
}

function failed(reason: RequestReason): RoutingDecision {
  return { kind: 'failed', reason, deliveries: [], suppressedChannels: [] }
}

/** The category's time-to-live from when it was meant to be sent, or earlier if the event says so. */
function expiryOf(event: NotificationRequested, category: Category): number {
  const meantAt = Math.max(event.createdAt, event.sendAt ?? event.createdAt)
  const latest = meantAt + category.timeToLiveSeconds * 1_000
  return event.expiresAt === null ? latest : Math.min(latest, event.expiresAt)
}

interface ChannelInput extends DecisionInput {
  category: Category
  template: PublishedTemplate
  profile: Profile
  expiresAt: number
}

function planChannel(channel: RequestChannel, input: ChannelInput): PlannedDelivery[] | SuppressionReason {
  const { event, category, template, profile, expiresAt } = input
  const locale = pickLocale(template.localesOf[channel] ?? [], [event.locale, profile.locale])
  if (locale === undefined) return 'no_template'
  if (!optedIn(profile, category, channel)) return 'opted_out'
  const addresses = addressesOf(profile, channel)
  if (addresses.length === 0) return 'no_address'
  return addresses.map((target) => ({
    ...target,
    deliveryId: input.deliveryId(target.channel, target.deviceId),
    templateId: template.templateId,
    templateVersion: template.version,
    locale,
    quietFrom: null,
    quietUntil: null,
    unknownPolicy: category.unknownPolicy,
    expiresAt,
  }))
}

export function optedIn(profile: Profile, category: Category, channel: RequestChannel): boolean {
  if (category.mandatory) return true
  if (profile.channelOptIns[channel] === false) return false
  const own = profile.categoryOptIns.find((each) => each.category === category.name && each.channel === channel)
  return own?.optIn ?? category.optInDefault
}

interface Target {
  channel: Channel
  address: string
  deviceId: string | null
}

/** One delivery per valid device, one SMS, one email. What is no address is no address: it would only cost a call. */
function addressesOf(profile: Profile, channel: RequestChannel): Target[] {
  switch (channel) {
    case 'push':
      return profile.devices.map(({ platform, token, deviceId }) => ({ channel: platform, address: token, deviceId }))
    case 'sms':
      return profile.phoneNumber !== null && isE164(profile.phoneNumber)
        ? [{ channel, address: profile.phoneNumber, deviceId: null }]
        : []
    case 'email':
      return profile.email !== null && isEmailAddress(profile.email)
        ? [{ channel, address: profile.email, deviceId: null }]
        : []
  }
}
