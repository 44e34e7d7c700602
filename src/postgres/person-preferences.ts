/**
 * What people may see and change about themselves, for the edge: its connections have the role `fanfare_edge`, which
 * reads no address.
 *
 * Whoever writes locks the user first: an insert of a setting locks the user weakly and its trigger strongly, and two of
 * these at once would wait for each other.
 */
import type { RequestChannel } from '../domain/channel.ts'
import type { PreferenceChanges, Preferences, PreferredCategory } from '../domain/preferences.ts'
import type { CategoryOptIn } from '../domain/profile.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column, safeIntegerOf } from './values.ts'

const statements = {
  load: loadStatement('load-preferences'),
  lock: loadStatement('lock-users'),
  optOut: loadStatement('opt-out-of-category'),
  setCategories: loadStatement('set-category-opt-ins'),
  setChannels: loadStatement('set-channel-opt-ins'),
  setPerson: loadStatement('set-person-preferences'),
  loadVersion: loadStatement('load-profile-version'),
}

/** The version that the profile has now; undefined where there is nobody of this id. */
export type Written = { version: number } | undefined

export interface PersonPreferences {
  /** Undefined where there is nobody of this id. */
  load(userId: number): Promise<Preferences | undefined>
  /** Committed when it resolves. */
  optOutOfCategory(optOut: { userId: number; category: string; channel: RequestChannel }): Promise<Written>
  /** All or nothing; committed when it resolves. */
  save(userId: number, changes: PreferenceChanges): Promise<Written>
}

export function createPersonPreferences(pool: HotPathPool): PersonPreferences {
  function write(userId: number, work: (connection: Queryable) => Promise<void>): Promise<Written> {
    return pool.transaction(async (connection) => {
      const found = await connection.query(statements.lock, [[userId]])
      if (found.length === 0) return undefined
      await work(connection)
      const [row] = await connection.query<{ version: string }>(statements.loadVersion, [userId])
      return row === undefined ? undefined : { version: safeIntegerOf(row.version) }
    })
  }

  return {
    load: async (userId) => {
      const [row] = await pool.query<PreferencesRow>(statements.load, [userId])
      return row === undefined ? undefined : toPreferences(row)
    },
    optOutOfCategory: ({ userId, category, channel }) =>
      write(userId, async (connection) => {
        await connection.query(statements.optOut, [userId, category, channel])
      }),
    save: (userId, changes) => write(userId, (connection) => saveChanges(connection, userId, changes)),
  }
}

async function saveChanges(
  connection: Queryable,
  userId: number,
  { channelOptIns, categoryOptIns, person }: PreferenceChanges,
): Promise<void> {
  if (channelOptIns.length > 0) {
    const channels = column(channelOptIns, ({ channel }) => channel)
    await connection.query(statements.setChannels, [userId, channels, column(channelOptIns, ({ optIn }) => optIn)])
  }
  if (categoryOptIns.length > 0) {
    await connection.query(statements.setCategories, [
      userId,
      column(categoryOptIns, ({ category }) => category),
      column(categoryOptIns, ({ channel }) => channel),
      column(categoryOptIns, ({ optIn }) => optIn),
    ])
  }
  if (person !== null) {
    const { locale, timeZone, quietHours } = person
    const hours = [quietHours?.fromMinute ?? null, quietHours?.untilMinute ?? null]
    await connection.query(statements.setPerson, [userId, locale, timeZone, ...hours])
  }
}

interface PreferencesRow {
  locale: string | null
  time_zone: string | null
  quiet_from_minute: number | null
  quiet_until_minute: number | null
  channel_opt_ins: Partial<Record<RequestChannel, boolean>> | null
  category_opt_ins: CategoryOptIn[] | null
  categories:
    | { name: string; titles: Record<string, string>; listed: boolean; mandatory: boolean; optInDefault: boolean }[]
    | null
}

function toPreferences(row: PreferencesRow): Preferences {
  const switches = row.channel_opt_ins ?? {}
  const chosen = new Map((row.category_opt_ins ?? []).map((each) => [`${each.channel} ${each.category}`, each.optIn]))
  const { quiet_from_minute: fromMinute, quiet_until_minute: untilMinute } = row
  return {
    channelOptIns: byChannel((channel) => switches[channel] ?? true),
    categories: (row.categories ?? [])
      .filter(({ listed }) => listed)
      .map(({ name, titles, mandatory, optInDefault }): PreferredCategory => {
        const optIns = byChannel((channel) => mandatory || (chosen.get(`${channel} ${name}`) ?? optInDefault))
        return { name, titles, mandatory, optIns }
      }),
    locale: row.locale,
    timeZone: row.time_zone,
    quietHours: fromMinute === null || untilMinute === null ? null : { fromMinute, untilMinute },
  }
}

function byChannel(optIn: (channel: RequestChannel) => boolean): Record<RequestChannel, boolean> {
  return { push: optIn('push'), sms: optIn('sms'), email: optIn('email') }
}
