/**
 * Brings people and categories into the database in bulk: what seeding and a first load do.
 *
 * Only adds: whoever and whatever is there already stays as it is, with everything that belongs to it, so importing the
 * same again changes nothing. One transaction for each call.
 */
import knex from 'knex'
import type { Knex } from 'knex'
import { DatabaseError } from 'pg'
import type { Category, CategoryPresentation } from '../domain/category.ts'
import type { RequestChannel } from '../domain/channel.ts'
import type { DailyHours } from '../domain/quiet-windows.ts'

export interface NewPerson {
  userId: number
  email: string | null
  /** E.164. */
  phoneNumber: string | null
  locale: string
  /** IANA name. */
  timeZone: string
  quietHours: DailyHours | null
  devices: readonly { deviceId: string; platform: 'ios' | 'android'; token: string }[]
  channelSettings: readonly { channel: RequestChannel; optIn: boolean }[]
  categorySettings: readonly { category: string; channel: RequestChannel; optIn: boolean }[]
}

/** Without a title people read its name; unless it says otherwise they see it. */
export type NewCategory = Category & Partial<CategoryPresentation>

export interface DatabaseImport {
  /** Adds the categories that are missing. */
  addCategories(categories: readonly NewCategory[]): Promise<void>
  /**
   * Adds the people who are missing.
   * @param people at most `peoplePerImport`.
   * @returns how many were added.
   */
  addPeople(people: readonly NewPerson[]): Promise<number>
  close(): Promise<void>
}

/** A statement takes at most 65,535 parameters: enough for this many people with dozens of devices each. */
export const peoplePerImport = 500

const connectTimeoutMs = 10_000

/** The deployment forgot a step; the message says which. */
class DatabaseNotMigrated extends Error {
  override readonly name = 'DatabaseNotMigrated'
}

/** Opens lazily: the first call connects. A call throws DatabaseNotMigrated, or what Postgres or the network says. */
export function openDatabaseImport(url: string): DatabaseImport {
  const database = knex({
    client: 'pg',
    connection: { connectionString: url, connectionTimeoutMillis: connectTimeoutMs },
    pool: { min: 0, max: 1 },
    log: silent,
  })
  async function inTransaction<Result>(work: (transaction: Knex.Transaction) => Promise<Result>): Promise<Result> {
    try {
      return await database.transaction(work)
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== undefinedTable) throw error
      throw new DatabaseNotMigrated('the database has no tables yet: run `fanfare migrate` first', { cause: error })
    }
  }
  return {
    addCategories: (categories) => inTransaction((transaction) => addCategories(transaction, categories)),
    addPeople: (people) => inTransaction((transaction) => addPeople(transaction, people)),
    close: () => database.destroy(),
  }
}

/** SQLSTATE, https://www.postgresql.org/docs/18/errcodes-appendix.html */
const undefinedTable = '42P01'

/** knex prints to the console what it also throws. */
const silent: Knex.Logger = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} }

async function addCategories(transaction: Knex.Transaction, categories: readonly NewCategory[]): Promise<void> {
  const rows = categories.map((category) => ({
    name: category.name,
    lane: category.lane,
    channels: category.channels,
    mandatory: category.mandatory,
    opt_in_default: category.optInDefault,
    caps: JSON.stringify(category.caps),
    over_cap_policy: category.overCapPolicy,
    caps_unavailable_policy: category.capsUnavailablePolicy,
    quiet_hours_policy: category.quietHoursPolicy,
    send_from_minute: category.sendWindow?.fromMinute ?? null,
    send_until_minute: category.sendWindow?.untilMinute ?? null,
    time_to_live_seconds: category.timeToLiveSeconds,
    unknown_policy: category.unknownPolicy,
    template_id: category.templateId,
    titles: JSON.stringify(category.titles ?? {}),
    listed: category.listed ?? true,
  }))
  await addRows(transaction, 'categories', rows)
}

async function addPeople(transaction: Knex.Transaction, people: readonly NewPerson[]): Promise<number> {
  if (people.length > peoplePerImport) throw new Error(`more than ${peoplePerImport} people in one import`)
  if (people.length === 0) return 0
  const rows = people.map(({ userId, email, phoneNumber, locale, timeZone, quietHours }) => ({
    user_id: userId,
    email,
    phone_number: phoneNumber,
    locale,
    time_zone: timeZone,
    quiet_from_minute: quietHours?.fromMinute ?? null,
    quiet_until_minute: quietHours?.untilMinute ?? null,
  }))
  const inserted = (await transaction('users').insert(rows).onConflict('user_id').ignore().returning('user_id')) as {
    user_id: string
  }[]
  const added = new Set(inserted.map((row) => Number(row.user_id)))
  await addBelongings(
    transaction,
    people.filter(({ userId }) => added.has(userId)),
  )
  return added.size
}

/** Only of people who are new: what others had and gave up must not come back. */
async function addBelongings(transaction: Knex.Transaction, people: readonly NewPerson[]): Promise<void> {
  const devices = people.flatMap(({ userId, devices: ofPerson }) =>
    ofPerson.map(({ deviceId, platform, token }) => ({ device_id: deviceId, user_id: userId, platform, token })),
  )
  const channelSettings = people.flatMap(({ userId, channelSettings: ofPerson }) =>
    ofPerson.map(({ channel, optIn }) => ({ user_id: userId, channel, opt_in: optIn })),
  )
  const categorySettings = people.flatMap(({ userId, categorySettings: ofPerson }) =>
    ofPerson.map(({ category, channel, optIn }) => ({ user_id: userId, category, channel, opt_in: optIn })),
  )
  await addRows(transaction, 'devices', devices)
  await addRows(transaction, 'notification_settings', channelSettings)
  await addRows(transaction, 'category_settings', categorySettings)
}

async function addRows(transaction: Knex.Transaction, table: string, rows: readonly object[]): Promise<void> {
  if (rows.length > 0) await transaction(table).insert(rows).onConflict().ignore()
}
