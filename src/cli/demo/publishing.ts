/**
 * Publishes the script's events at an even rate, as several services would; and beside them what makes some of them
 * special: copies, requests under a used id, and cancels.
 *
 * Before the first request that was cancelled ahead everything published so far has to be in the log, its cancel above
 * all: so the order is certain on a slow machine, too.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NotificationRequested } from '../../domain/notification.ts'
import type { Outcome, PublishedEvent } from '../../local/demo/predictions.ts'
import type { Script, ScriptedEvent } from '../../local/demo/script.ts'
import type { EventProducer, LanedEvent } from '../event-producer.ts'
import { paced } from '../paced.ts'
import { uuidV7 } from '../../domain/uuid-v7.ts'

export interface PublishingOptions {
  producer: EventProducer
  events: number
  perSecond: number
  script: Script
  signal: AbortSignal
  /** How many notifications are in the log by now. */
  countLogged(): Promise<number>
  /** Takes what the broker has acknowledged. */
  onPublished(events: readonly PublishedEvent[]): void
}

interface Prepared extends LanedEvent {
  outcome: Outcome | null
}

/** Resolves when all are acknowledged, or the signal has aborted. */
export async function publishEvents(options: PublishingOptions): Promise<void> {
  const { producer, events, perSecond, script, signal } = options
  const cancelledAhead = prepareCancelledAhead(options)
  const [firstAhead = events] = cancelledAhead.keys()
  const cancelledAfterwards: Prepared[] = []
  await cancelAll([...cancelledAhead.values()], producer)
  const done = await paced({ total: events, perSecond, signal }, async (first, count) => {
    // Before the batch is prepared: its times begin when it can go.
    if (first <= firstAhead && firstAhead < first + count) await untilLogged(first + cancelledAhead.size, options)
    const batch = Array.from({ length: count }, (_, index) => {
      const position = first + index
      return cancelledAhead.get(position) ?? prepare(script.eventAt(position))
    })
    await producer.publish(batch.flatMap((prepared) => [prepared, ...repeatsOf(prepared)]))
    cancelledAfterwards.push(...batch.filter(({ outcome }) => outcome === 'cancelled_waiting'))
    options.onPublished(batch.map(publishedEvent))
  })
  // Each on the topic and with the key of its request, and so behind it.
  if (done === events) await cancelAll(cancelledAfterwards, producer)
}

/** By their position; their ids and days have to be known before they are published. */
function prepareCancelledAhead({ script, events }: PublishingOptions): Map<number, Prepared> {
  const prepared = new Map<number, Prepared>()
  for (let position = 0; prepared.size < script.predicted.cancelled_ahead && position < events; position += 1) {
    const event = script.eventAt(position)
    if (event.outcome === 'cancelled_ahead') prepared.set(position, prepare(event))
  }
  return prepared
}

function prepare({ lane, sendAfterMs, outcome, ...planned }: ScriptedEvent): Prepared {
  const createdAt = Date.now()
  const event: NotificationRequested = {
    ...planned,
    notificationId: uuidV7(createdAt, randomBytes(10)),
    source: sourceOf[lane],
    template: null,
    locale: null,
    channels: null,
    sendAt: sendAfterMs === null ? null : createdAt + sendAfterMs,
    expiresAt: null,
    collapseKey: null,
    createdAt,
  }
  return { lane, event, outcome }
}

const sourceOf = { transactional: 'demo-shop', bulk: 'demo-campaigns' } as const

function repeatsOf({ lane, event, outcome }: Prepared): LanedEvent[] {
  if (outcome === 'repeated') return [{ lane, event }]
  if (outcome === 'conflicting') return [{ lane, event: { ...event, data: { ...event.data, item_name: 'Ladder' } } }]
  return []
}

function publishedEvent({ event: { notificationId, source, createdAt, sendAt }, outcome }: Prepared): PublishedEvent {
  return { notificationId, source, createdAt, sendAt, outcome }
}

async function cancelAll(prepared: readonly Prepared[], producer: EventProducer): Promise<void> {
  const cancelledAt = Date.now()
  const cancels = prepared.map(({ lane, event: { notificationId, source, userId, createdAt } }) => ({
    lane,
    cancel: { notificationId, source, userId, createdAt, cancelledAt },
  }))
  if (cancels.length > 0) await producer.cancel(cancels)
}

const logPollMs = 50
const logLimitMs = 60_000

async function untilLogged(count: number, { countLogged, signal }: PublishingOptions): Promise<void> {
  const deadlineMs = performance.now() + logLimitMs
  while ((await countLogged()) < count) {
    signal.throwIfAborted()
    if (performance.now() > deadlineMs) throw new Error(`${count} events are not in the log after ${logLimitMs} ms`)
    await sleep(logPollMs)
  }
}
