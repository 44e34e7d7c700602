/**
 * Rounds of maintenance, as the scheduler and `fanfare maintain` make them: one at a time over all processes, on
 * connections of their own, and with the statuses of what expires published before anybody sees it expired.
 */
import type { StoredDelivery } from '../domain/stored-delivery.ts'
import { createHotPathPool, type ObservedPool } from '../postgres/hot-path-pool.ts'
import { withMaintenance } from '../postgres/maintenance.ts'
import { expiredStatus } from '../services/maintenance/expired-status.ts'
import { createMaintainer, type MaintenanceReport } from '../services/maintenance/maintain.ts'
import { sha1, type DeliveryInfrastructure } from './infrastructure.ts'

export interface Maintenance {
  readonly connections: ObservedPool['connections']
  /**
   * @param stuckAfterMs how long nothing must have moved a delivery before it is reported.
   * @returns undefined where another process maintains this database now. Throws DependencyUnavailable.
   */
  round(stuckAfterMs: number): Promise<MaintenanceReport | undefined>
  close(): Promise<void>
}

export interface MaintenanceOptions {
  /** Of Postgres. */
  url: string
  applicationName: string
  /** Resolves once the statuses are acknowledged; see `publishExpired`. */
  publishExpired(expired: readonly StoredDelivery[]): Promise<void>
}

/** Nothing may move a delivery for so long before it is reported, unless somebody says otherwise. */
export const stuckAfterByDefaultMs = 3_600_000

/** Reading a day's partition whole may take long. */
const readingTimeoutMs = 120_000

export function openMaintenance({ url, applicationName, publishExpired: publish }: MaintenanceOptions): Maintenance {
  const pool = createHotPathPool({
    url,
    applicationName,
    maxConnections: 1,
    statementTimeoutMs: readingTimeoutMs,
    readsPartitions: true,
  })
  const maintainer = createMaintainer()
  return {
    connections: pool.connections,
    round: async (stuckAfterMs) => {
      let report: MaintenanceReport | undefined
      await withMaintenance(url, pool, async (maintenance) => {
        report = await maintainer.run({ ...maintenance, publishExpired: publish }, stuckAfterMs)
      })
      return report
    },
    close: () => pool.close(),
  }
}

export async function publishExpired(
  expired: readonly StoredDelivery[],
  { producer, topics, statusWriter, now }: Pick<DeliveryInfrastructure, 'producer' | 'topics' | 'statusWriter' | 'now'>,
): Promise<void> {
  await producer.send(
    expired.map((row) => ({
      topic: topics.deliveryStatus,
      key: row.notificationId,
      value: statusWriter.encode(expiredStatus(row, now(), sha1)),
      headers: {},
    })),
  )
}
