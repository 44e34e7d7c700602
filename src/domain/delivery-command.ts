/**
 * The record on the channel topics: all that a sender needs for one delivery. Times are Unix milliseconds.
 */
import type { Channel } from './channel.ts'
import type { TemplateData } from './notification.ts'

export const unknownPolicies = ['resend', 'hold'] as const
/** What follows when nobody can tell whether the provider accepted: send again, or hold for a person. */
export type UnknownPolicy = (typeof unknownPolicies)[number]

export interface DeliveryCommand {
  deliveryId: string
  notificationId: string
  source: string
  userId: number
  category: string
  channel: Channel
  /** Device token, E.164 number or email address. */
  address: string
  deviceId: string | null
  templateId: string
  /** Pinned by the router, so that a retry says what the first attempt said. */
  templateVersion: number
  locale: string
  data: TemplateData
  /** The next window in which the person must not be disturbed; null where there is none or the category is mandatory. */
  quietFrom: number | null
  quietUntil: number | null
  unknownPolicy: UnknownPolicy
  createdAt: number
  routedAt: number
  /** In which it was routed: above 0 it waited on purpose, and its time had come at `routedAt`. */
  pass: number
  expiresAt: number
  collapseKey: string | null
}
