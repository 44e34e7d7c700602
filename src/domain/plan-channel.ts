/**
 * What becomes of one request channel for one person: its deliveries, or why there are none.
 */
import type { Category } from './category.ts'
import type { Channel, RequestChannel } from './channel.ts'
import { isDeviceToken, isEmailAddress, isE164 } from './contact-address.ts'
import type { NotificationRequested } from './notification.ts'
import type { PlannedDelivery } from './notification-log.ts'
import type { Profile } from './profile.ts'
import type { Quiet } from './quiet-of.ts'
import type { SuppressionReason } from './reason.ts'
import { optedIn } from './settings.ts'
import { missingVariables } from './template-variables.ts'
import { pickLocale, type PublishedTemplate } from './template.ts'

export interface PlanInput {
  event: NotificationRequested
  category: Category
  template: PublishedTemplate
  profile: Profile
  quiet: Quiet
  expiresAt: number
  deliveryId(channel: Channel, deviceId: string | null): string
  /** Whether the suppression list has the address, for this category or for all. */
  isSuppressed(channel: RequestChannel, address: string): boolean
}

export type PlannedChannel =
  /** `isPartial`: further devices of the person are suppressed. */
  | { kind: 'planned'; channel: RequestChannel; deliveries: PlannedDelivery[]; isPartial: boolean }
  | { kind: 'suppressed'; channel: RequestChannel; reason: SuppressionReason }
  | { kind: 'missing_variable'; variable: string }

export function planChannel(channel: RequestChannel, input: PlanInput): PlannedChannel {
  const { event, category, template, profile, expiresAt, quiet } = input
  const suppressed = (reason: SuppressionReason): PlannedChannel => ({ kind: 'suppressed', channel, reason })
  const wanted = [event.locale, profile.locale]
  const content = pickLocale(template.contentsOf[channel] ?? [], wanted, template.defaultLocale)
  if (content === undefined) return suppressed('no_template')
  if (!optedIn(profile, category, channel)) return suppressed('opted_out')
  const targets = targetsOf(profile, channel)
  if (targets.length === 0) return suppressed('no_address')
  const allowed = targets.filter(({ address }) => !input.isSuppressed(channel, address))
  if (allowed.length === 0) return suppressed('address_suppressed')
  const [variable] = missingVariables(event.data, content.variables)
  if (variable !== undefined) return { kind: 'missing_variable', variable }
  const deliveries = allowed.map((target) => ({
    ...target,
    deliveryId: input.deliveryId(target.channel, target.deviceId),
    lane: category.lane,
    templateId: template.templateId,
    templateVersion: template.version,
    locale: content.locale,
    quietFrom: quiet.next?.from ?? null,
    quietUntil: quiet.next?.until ?? null,
    unknownPolicy: category.unknownPolicy,
    expiresAt,
  }))
  return { kind: 'planned', channel, deliveries, isPartial: allowed.length < targets.length }
}

interface Target {
  channel: Channel
  address: string
  deviceId: string | null
}

/**
 * One delivery per valid device, one SMS, one email. What is no address is no address, however it came to be stored: it
 * would only cost a call.
 */
export function targetsOf(profile: Profile, channel: RequestChannel): Target[] {
  switch (channel) {
    case 'push':
      return profile.devices
        .filter(({ platform, token }) => isDeviceToken(platform, token))
        .map(({ platform, token, deviceId }) => ({ channel: platform, address: token, deviceId }))
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
