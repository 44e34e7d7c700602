/**
 * Caps: what a notification asks of them, and what their answer makes of its decision.
 */
import type { Cap, Category } from './category.ts'
import { requestChannelOf } from './channel.ts'
import { deferred, expired } from './decide.ts'
import type { RoutingDecision } from './notification-log.ts'
import type { QuietWindow } from './quiet-windows.ts'

/** Asks for a place of one notification under all caps that it counts for. */
export interface CapRequest {
  /** The notification, unique over sources: asked again it finds its place. */
  member: string
  userId: number
  category: string
  /** Within one user and category. */
  categoryCaps: readonly Cap[]
  /** Over all of a user's categories. */
  userCaps: readonly Cap[]
  /** Unix ms; a place at or after it is none. */
  expiresAtMs: number
  overCap: Category['overCapPolicy']
  /** Times at which no place may lie, in order. */
  quietWindows: readonly QuietWindow[]
}

/**
 * - free: there is a place now, and it is taken.
 * - reserved: the earliest place is later, and it is taken.
 * - full: there is none now, and the category does not wait.
 * - expires: the earliest place comes too late.
 * - unavailable: nobody can count at the moment.
 */
export type CapAnswer =
  | { kind: 'free' }
  | { kind: 'reserved'; atMs: number }
  | { kind: 'full' }
  | { kind: 'expires' }
  | { kind: 'unavailable' }

/** While nobody can count, those who wait for it ask again so much later. */
const unavailableRetryMs = 60_000

/** A cap of nothing: there will never be a place. */
export function isForbidden(category: Category, userCaps: readonly Cap[]): boolean {
  return !category.mandatory && [...category.caps, ...userCaps].some(({ limit }) => limit < 1)
}

export function isCapped(category: Category, userCaps: readonly Cap[]): boolean {
  return !category.mandatory && (category.caps.length > 0 || userCaps.length > 0)
}

/** @param routed the decision that would be carried out without caps. */
export function throttled(
  routed: RoutingDecision,
  answer: CapAnswer,
  { category, nowMs, expiresAtMs }: { category: Category; nowMs: number; expiresAtMs: number },
): RoutingDecision {
  switch (answer.kind) {
    case 'free':
      return routed
    case 'reserved':
      // A resumption is at its place although the clock that counts is behind the one that woke it.
      return answer.atMs <= nowMs ? routed : deferred('over_cap', answer.atMs)
    case 'full':
      return {
        ...routed,
        kind: 'suppressed',
        reason: 'capped',
        deliveries: [],
        suppressedChannels: cappedChannels(routed),
      }
    case 'expires':
      return expired('over_cap')
    case 'unavailable': {
      if (category.capsUnavailablePolicy === 'send') return routed
      const againAtMs = nowMs + unavailableRetryMs
      return againAtMs < expiresAtMs ? deferred('over_cap', againAtMs) : expired('over_cap')
    }
  }
}

function cappedChannels({ deliveries, suppressedChannels }: RoutingDecision): RoutingDecision['suppressedChannels'] {
  const channels = new Set(deliveries.map(({ channel }) => requestChannelOf(channel)))
  // Of a channel's devices some may be suppressed besides: one word for each channel, and this one is about them all.
  const others = suppressedChannels.filter(({ channel }) => !channels.has(channel))
  return [...others, ...[...channels].map((channel) => ({ channel, reason: 'capped' as const }))]
}
