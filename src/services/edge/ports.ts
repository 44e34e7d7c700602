/**
 * What the edge needs from outside, as small as it needs it. roles/ hands it the adapters.
 */
import type { RequestChannel } from '../../domain/channel.ts'
import type { PreferenceChanges, Preferences } from '../../domain/preferences.ts'
import type { LinkKind, LinkRefusal, LinkVerifying } from '../../domain/signed-link.ts'
import type { FeedbackBuffer, FeedbackObservation } from './feedback-buffer.ts'
import type { WebhookPorts } from './webhooks.ts'

/** The version that a profile has now; undefined where there is nobody of this id. */
export type Written = { version: number } | undefined

/** What people may see and change about themselves. All throw DependencyUnavailable where the database is away. */
export interface PersonPreferences {
  /** Undefined where there is nobody of this id. */
  load(userId: number): Promise<Preferences | undefined>
  /** Committed when it resolves. */
  optOutOfCategory(optOut: { userId: number; category: string; channel: RequestChannel }): Promise<Written>
  /** All or nothing; committed when it resolves. */
  save(userId: number, changes: PreferenceChanges): Promise<Written>
}

export interface EdgePorts {
  links: LinkVerifying
  feedback: Pick<FeedbackBuffer, 'offer'>
  people: PersonPreferences
  /** Makes the cache forget what it has of older versions. Never throws. */
  forgetProfile(userId: number, version: number): Promise<void>
  webhooks: WebhookPorts
  /** Unix ms. */
  now(): number
  observe(observation: EdgeObservation): void
}

/** What the edge tells logs and metrics. */
export type EdgeObservation = FeedbackObservation | { kind: 'link'; link: LinkKind; outcome: 'valid' | LinkRefusal }
