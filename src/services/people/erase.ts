/**
 * Erasing people: their rows, their profile in the cache, and all that still waits for them.
 *
 * In this order. Once the rows are gone nothing new is claimed for the person, and no router that reads them anew decides
 * anything for them; then the cache forgets them; then what was decided before is cancelled, a notification at a time,
 * each in the transaction of every cancel. A crash in between leaves the rest to whoever asks again: an erasure of
 * somebody who is gone cancels and tells all the same.
 */
import type { NotificationKey } from '../../domain/notification-log.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { timeToLiveSecondsMax } from '../../domain/category.ts'
import { sendAtHorizonMs } from '../../domain/request-validation.ts'
import type { Lane } from '../../domain/channel.ts'
import { cancelAndTell, type CancelPorts } from '../router/cancel.ts'

export interface ErasedPerson {
  userId: number
  /** Whether there was anybody to erase. */
  existed: boolean
  /** Above every version that a reader can have seen of the person. */
  version: number
}

/** A notification of which something may still be sent, or whose cancel may not have been told. */
export interface OpenNotification {
  key: NotificationKey
  userId: number
  /** Unix ms. */
  createdAt: number
  lane: Lane
}

export interface ErasePorts extends CancelPorts {
  /** One for each id, known or not, in one transaction. */
  erase(userIds: readonly number[]): Promise<ErasedPerson[]>
  /** Never throws. */
  forgetProfiles(erased: readonly ErasedPerson[]): Promise<void>
  /** The next after one, in the order of their keys. @param sinceMs of events, Unix ms. */
  findOpen(options: {
    userIds: readonly number[]
    sinceMs: number
    after: NotificationKey | null
    limit: number
  }): Promise<OpenNotification[]>
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
}

export interface Erasure {
  /** Those of whom there was anything. */
  existed: number
  /** Statuses `cancelled` that were published: of what was stopped now, and of what was stopped before. */
  cancelled: number
}

/** What is older has expired, whatever it waited for. */
const oldestOpenMs = sendAtHorizonMs + timeToLiveSecondsMax * 1_000

/** Between two acknowledgements: what a crash leaves to be told again. */
const notificationsPerBatch = 100

/** @throws DependencyUnavailable in the middle of it: asking again goes on from there. */
export async function erasePeople(userIds: readonly number[], ports: ErasePorts): Promise<Erasure> {
  const erased = await ports.erase(userIds)
  await ports.forgetProfiles(erased)
  return { existed: erased.filter(({ existed }) => existed).length, cancelled: await cancelOpen(userIds, ports) }
}

async function cancelOpen(userIds: readonly number[], ports: ErasePorts): Promise<number> {
  const sinceMs = ports.now() - oldestOpenMs
  let cancelled = 0
  let after: NotificationKey | null = null
  for (;;) {
    const open: readonly OpenNotification[] = await ports.findOpen({
      userIds,
      sinceMs,
      after,
      limit: notificationsPerBatch,
    })
    const statuses: OutgoingRecord[] = []
    for (const { key, userId, createdAt, lane } of open) {
      const told = await cancelAndTell({ key, event: { userId, createdAt }, lane }, ports)
      statuses.push(...told.statuses)
    }
    await ports.publish(statuses)
    cancelled += statuses.length
    const last = open.at(-1)
    if (last === undefined || open.length < notificationsPerBatch) return cancelled
    after = last.key
  }
}
