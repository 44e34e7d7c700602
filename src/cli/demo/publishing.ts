/**
 * Publishes the planned events at an even rate, as several services would.
 */
import { randomBytes } from 'node:crypto'
import type { NotificationRequested } from '../../domain/notification.ts'
import { plannedEvent } from '../../local/demo/event-plan.ts'
import type { NotificationIdentity } from '../../local/reconciliation/evidence.ts'
import type { EventProducer, LanedEvent } from '../event-producer.ts'
import { paced } from '../paced.ts'
import { uuidV7 } from '../uuid-v7.ts'

export interface PublishingOptions {
  producer: EventProducer
  events: number
  perSecond: number
  users: number
  seed: string
  signal: AbortSignal
  /** Takes what the broker has acknowledged. */
  onPublished(identities: readonly NotificationIdentity[]): void
}

/** Resolves when all are acknowledged, or the signal has aborted. */
export async function publishEvents(options: PublishingOptions): Promise<void> {
  const { producer, events, perSecond, signal } = options
  await paced({ total: events, perSecond, signal }, async (first, count) => {
    const batch = Array.from({ length: count }, (_, index) => eventOf(first + index, options))
    await producer.publish(batch)
    options.onPublished(batch.map(({ event: { notificationId, source } }) => ({ notificationId, source })))
  })
}

function eventOf(index: number, { users, seed }: Pick<PublishingOptions, 'users' | 'seed'>): LanedEvent {
  const { lane, ...planned } = plannedEvent(index, { users, seed })
  const createdAt = Date.now()
  const event: NotificationRequested = {
    ...planned,
    notificationId: uuidV7(createdAt, randomBytes(10)),
    source: sourceOf[lane],
    template: null,
    locale: null,
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt,
  }
  return { lane, event }
}

const sourceOf = { transactional: 'demo-shop', bulk: 'demo-campaigns' } as const
