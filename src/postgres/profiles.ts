/**
 * Profiles in Postgres, where the cache does not have them.
 */
import type { CategoryOptIn, Device, Profile } from '../domain/profile.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { safeIntegerOf } from './values.ts'

const loadStatementOfProfiles = loadStatement('load-profiles')

export interface Profiles {
  /** The profiles of those user ids that exist, in one round trip. */
  loadProfiles(userIds: readonly number[]): Promise<Map<number, Profile>>
}

export function createProfiles(pool: Queryable): Profiles {
  return {
    loadProfiles: async (userIds) => {
      if (userIds.length === 0) return new Map()
      const rows = await pool.query<ProfileRow>(loadStatementOfProfiles, [[...new Set(userIds)]])
      return new Map(rows.map(toProfile).map((profile) => [profile.userId, profile]))
    },
  }
}

interface ProfileRow {
  user_id: string
  version: string
  email: string | null
  phone_number: string | null
  locale: string | null
  time_zone: string | null
  quiet_from_minute: number | null
  quiet_until_minute: number | null
  devices: Device[] | null
  channel_opt_ins: Profile['channelOptIns'] | null
  category_opt_ins: CategoryOptIn[] | null
}

function toProfile(row: ProfileRow): Profile {
  return {
    userId: safeIntegerOf(row.user_id),
    version: safeIntegerOf(row.version),
    email: row.email,
    phoneNumber: row.phone_number,
    locale: row.locale,
    timeZone: row.time_zone,
    quietFromMinute: row.quiet_from_minute,
    quietUntilMinute: row.quiet_until_minute,
    devices: row.devices ?? [],
    channelOptIns: row.channel_opt_ins ?? {},
    categoryOptIns: row.category_opt_ins ?? [],
  }
}
