/**
 * What roles that change people share: the way into the cache, and the erasure.
 */
import type { OutgoingRecord } from '../domain/record.ts'
import { createNotificationLog } from '../postgres/notification-log.ts'
import { findOpenNotifications } from '../postgres/open-notifications.ts'
import type { People } from '../postgres/people.ts'
import { createProfiles } from '../postgres/profiles.ts'
import { createCaps } from '../redis/caps.ts'
import { createProfileCache } from '../redis/profile-cache.ts'
import type { ErasePorts } from '../services/people/erase.ts'
import type { WriteThroughPorts } from '../services/people/write-through.ts'
import { sha1, type DeliveryInfrastructure } from './infrastructure.ts'

export type Redis = Parameters<typeof createProfileCache>[0]['redis']

export interface PeoplePorts {
  writeThrough: WriteThroughPorts
  erasure: ErasePorts
}

export interface PeopleParts {
  people: People
  redis: Redis
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
}

export function peoplePorts(
  infrastructure: DeliveryInfrastructure,
  { people, redis, publish }: PeopleParts,
): PeoplePorts {
  const { configuration, pool, topics, statusWriter, deliveryMetrics, profileCacheMetrics, log, now } = infrastructure
  const keyPrefix = configuration.topics.prefix
  const cache = createProfileCache({
    redis,
    keyPrefix,
    failed: (operation) => profileCacheMetrics.failures.inc({ operation }),
  })
  return {
    writeThrough: {
      loadProfiles: (userIds) => createProfiles(pool).loadProfiles(userIds),
      storeProfiles: (profiles) => cache.store(profiles),
    },
    erasure: {
      erase: (userIds) => people.erase(userIds),
      forgetProfiles: (erased) => cache.forget(erased),
      findOpen: (question) => findOpenNotifications(pool, question),
      log: createNotificationLog(pool),
      // A place that stays taken is one too many until its window is over, and no more.
      caps: createCaps({
        redis,
        keyPrefix,
        failed: (operation, code) => log.warn({ operation, code }, 'a place under a cap stays taken'),
      }),
      encodeStatus: (status) => statusWriter.encode(status),
      publish,
      topics,
      sha1,
      now,
      observe: (observation) => {
        if (observation.kind !== 'status') return
        const { status, reason } = observation.status
        deliveryMetrics.statuses.inc({ status, reason: reason ?? '' })
      },
    },
  }
}
