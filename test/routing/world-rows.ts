/**
 * A random world as the rows that Fanfare reads.
 */
import type { Category, Person, Suppression, Template } from './checker/observations.ts'
import type { TestDatabase } from '../support/database.ts'

export async function insertRules(
  database: TestDatabase,
  { categories, templates }: { categories: readonly Category[]; templates: readonly Template[] },
): Promise<void> {
  for (const template of templates) await insertTemplate(database, template)
  for (const category of categories) {
    const { fromMinute = null, untilMinute = null } = category.sendWindow ?? {}
    const caps = category.caps.map(({ limit, windowMs }) => ({ limit, windowSeconds: windowMs / 1_000 }))
    await database.query(
      `insert into categories (name, lane, channels, mandatory, opt_in_default, caps, over_cap_policy,
         quiet_hours_policy, send_from_minute, send_until_minute, time_to_live_seconds, template_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        category.name,
        category.lane,
        category.channels,
        category.isMandatory,
        category.optInDefault,
        JSON.stringify(caps),
        category.overCap,
        category.quietHours,
        fromMinute,
        untilMinute,
        category.timeToLiveMs / 1_000,
        category.template,
      ],
    )
  }
}

async function insertTemplate(database: TestDatabase, { templateId, version, defaultLocale, contents }: Template) {
  await database.query(
    'insert into templates (template_id, version, published, default_locale) values ($1, $2, true, $3)',
    [templateId, version, defaultLocale],
  )
  for (const { channel, locale, variables } of contents) {
    await database.query(
      `insert into template_contents (template_id, version, channel, locale, content, variables)
       values ($1, $2, $3, $4, '{}', $5)`,
      [templateId, version, channel, locale, variables],
    )
  }
}

export async function insertPeople(database: TestDatabase, people: readonly Person[]): Promise<void> {
  const all = JSON.stringify(people)
  await database.query(
    `insert into users (user_id, email, phone_number, locale, time_zone, quiet_from_minute, quiet_until_minute)
     select "userId", email, "phoneNumber", locale, "timeZone",
       ("quietHours" ->> 'fromMinute')::smallint, ("quietHours" ->> 'untilMinute')::smallint
     from json_to_recordset($1) as person(
       "userId" bigint, email text, "phoneNumber" text, locale text, "timeZone" text, "quietHours" json)`,
    [all],
  )
  await database.query(
    `insert into devices (device_id, user_id, platform, token, invalidated_at)
     select "deviceId", "userId", platform, token, case when "isValid" then null else pg_catalog.now() end
     from json_to_recordset($1) as person("userId" bigint, devices json),
       json_to_recordset(devices) as device("deviceId" uuid, platform text, token text, "isValid" boolean)`,
    [all],
  )
  await database.query(
    `insert into notification_settings (user_id, channel, opt_in)
     select "userId", channel, "optIn"
     from json_to_recordset($1) as person("userId" bigint, "channelSettings" json),
       json_to_recordset("channelSettings") as setting(channel text, "optIn" boolean)`,
    [all],
  )
  await database.query(
    `insert into category_settings (user_id, category, channel, opt_in)
     select "userId", category, channel, "optIn"
     from json_to_recordset($1) as person("userId" bigint, "categorySettings" json),
       json_to_recordset("categorySettings") as setting(category text, channel text, "optIn" boolean)`,
    [all],
  )
}

export async function insertSuppressions(
  database: TestDatabase,
  suppressions: readonly Suppression[],
  hash: (channel: string, address: string) => Uint8Array,
): Promise<void> {
  await database.query(
    `insert into suppressions (channel, address_hash, scope, reason)
     select channel, address_hash, scope, 'bounced' from unnest($1::text[], $2::bytea[], $3::text[])
       as suppression(channel, address_hash, scope)`,
    [
      suppressions.map(({ channel }) => channel),
      suppressions.map(({ channel, address }) => Buffer.from(hash(channel, address))),
      suppressions.map(({ scope }) => scope),
    ],
  )
}
