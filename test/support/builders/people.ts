/**
 * Users, their settings, categories and suppressions as rows.
 */
import type { TestDatabase } from '../database.ts'

export async function insertUser(database: TestDatabase, userId: number): Promise<void> {
  await database.query(`insert into users (user_id, email, phone_number, locale) values ($1, $2, $3, 'en')`, [
    userId,
    `user-${userId}@example.com`,
    `+1415555${String(userId).padStart(4, '0')}`,
  ])
}

export interface CategoryChoices {
  name: string
  mandatory?: boolean
  optInDefault?: boolean
}

export async function insertCategory(database: TestDatabase, choices: CategoryChoices): Promise<void> {
  await database.query(
    `insert into categories (name, lane, channels, mandatory, opt_in_default, caps, time_to_live_seconds, template_id)
     values ($1, 'transactional', '{sms,email}', $2, $3, '[{"limit": 3, "windowSeconds": 60}]', 3600, 'receipt')`,
    [choices.name, choices.mandatory ?? false, choices.optInDefault ?? true],
  )
}

export interface Switch {
  userId: number
  channel: string
  optIn: boolean
}

export async function setChannel(database: TestDatabase, { userId, channel, optIn }: Switch): Promise<void> {
  await database.query(
    `insert into notification_settings (user_id, channel, opt_in) values ($1, $2, $3)
     on conflict (user_id, channel) do update set opt_in = excluded.opt_in`,
    [userId, channel, optIn],
  )
}

export async function setCategory(
  database: TestDatabase,
  { userId, category, channel, optIn }: Switch & { category: string },
): Promise<void> {
  await database.query(
    `insert into category_settings (user_id, category, channel, opt_in) values ($1, $2, $3, $4)
     on conflict (user_id, category, channel) do update set opt_in = excluded.opt_in`,
    [userId, category, channel, optIn],
  )
}

export interface SuppressionChoices {
  channel: string
  addressHash: Uint8Array
  scope: string
}

export async function suppress(database: TestDatabase, choices: SuppressionChoices): Promise<void> {
  await database.query(
    `insert into suppressions (channel, address_hash, scope, reason) values ($1, $2, $3, 'bounced')`,
    [choices.channel, Buffer.from(choices.addressHash), choices.scope],
  )
}
