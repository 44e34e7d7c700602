/**
 * A person's devices with their times, those with a dead token too. Never a token.
 */
import type { Device } from '../domain/profile.ts'
import { build, runBuilt } from './built-statement.ts'
import type { Queryable } from './hot-path-pool.ts'

export interface RegisteredDevice {
  deviceId: string
  platform: Device['platform']
  /** Unix ms. */
  registeredAtMs: number
  lastSeenAtMs: number
  /** Null while no provider has called its token dead. */
  invalidatedAtMs: number | null
}

/** Nobody has so many; whoever has more sees the oldest. */
const devicesMax = 500

/** In the order in which they were registered; empty where there is nobody of this id. */
export async function listRegisteredDevices(pool: Queryable, userId: number): Promise<RegisteredDevice[]> {
  const rows = await runBuilt<DeviceRow>(
    pool,
    build('devices')
      .select('device_id', 'platform', 'registered_at', 'last_seen_at', 'invalidated_at')
      .where({ user_id: userId })
      .orderBy(['registered_at', 'device_id'])
      .limit(devicesMax),
  )
  return rows.map((row) => ({
    deviceId: row.device_id,
    platform: row.platform,
    registeredAtMs: row.registered_at,
    lastSeenAtMs: row.last_seen_at,
    invalidatedAtMs: row.invalidated_at,
  }))
}

interface DeviceRow {
  device_id: string
  platform: Device['platform']
  registered_at: number
  last_seen_at: number
  invalidated_at: number | null
}
