/**
 * The funnel: how far the deliveries that were asked for in an hour have come. An hour is that of the event, so what is
 * opened days later counts where it was asked for.
 */
import type { Channel } from './channel.ts'

/** What is counted, in the order in which it happens. Reports are counted as reported: an open implies no `delivered`. */
export const funnelSteps = [
  'planned',
  'sent',
  'delivered',
  'bounced',
  'opened',
  'clicked',
  'unsubscribed',
  'failed',
  'suppressed',
  'expired',
  'cancelled',
  'unknown',
] as const
export type FunnelStep = (typeof funnelSteps)[number]
export type FunnelCounts = Record<FunnelStep, number>

/** By what it can be split; days are UTC days. */
export const funnelDimensions = ['hour', 'day', 'template', 'category', 'channel'] as const
export type FunnelDimension = (typeof funnelDimensions)[number]

/** What the funnel is not split by is null. */
export interface FunnelRow {
  /** Of the hour or day, Unix ms. */
  beginsAtMs: number | null
  templateId: string | null
  category: string | null
  channel: Channel | null
  counts: FunnelCounts
}

export interface FunnelQuestion {
  /** Unix ms, of the events. */
  fromMs: number
  /** Excluded. */
  untilMs: number
  splitBy: readonly FunnelDimension[]
  limit: number
}
