/**
 * The people of the router's bench: who they are follows from their user id by plain arithmetic, once in SQL, which
 * writes them, and once here, for whoever says beforehand what becomes of an event.
 *
 * Not src/local/seed: its people are drawn one by one, and nobody could say the outcome without drawing them again.
 */
import type { Client } from 'pg'

export const peopleCount = 100_000

export interface Person {
  iosDevices: number
  androidDevices: number
  hasEmail: boolean
  hasPhone: boolean
  /** Switched the channel off. */
  emailOff: boolean
  /** Switched push off for offers. */
  offersPushOff: boolean
  emailSuppressed: boolean
  /** From an hour ago to four hours from now. */
  quietNow: boolean
}

/** @param userId 1 to `peopleCount`. */
export function personOf(userId: number): Person {
  return {
    iosDevices: userId % 4 === 0 ? 0 : 1,
    androidDevices: userId % 4 === 3 ? 1 : 0,
    hasEmail: userId % 10 !== 4,
    hasPhone: userId % 10 !== 7,
    emailOff: userId % 20 === 8,
    offersPushOff: userId % 25 === 6,
    emailSuppressed: userId % 50 === 11,
    quietNow: userId % 40 === 9,
  }
}

function emailOf(userId: number): string {
  return `user-${userId}@example.com`
}

/** Each statement writes all of its rows at once. The clocks of Abidjan show UTC all year. */
const statements = [
  `insert into users (user_id, email, phone_number, locale, time_zone, quiet_from_minute, quiet_until_minute)
   select n, case when n % 10 <> 4 then 'user-' || n || '@example.com' end,
     case when n % 10 <> 7 then '+1415' || (2000000 + n) end, 'en', 'Africa/Abidjan',
     case when n % 40 = 9 then (minute + 1380) % 1440 when n % 3 = 0 then (minute + 360) % 1440 end,
     case when n % 40 = 9 then (minute + 240) % 1440 when n % 3 = 0 then (minute + 720) % 1440 end
   from generate_series(1, $1::integer) as n,
     (select extract(hour from now() at time zone 'utc')::integer * 60
        + extract(minute from now() at time zone 'utc')::integer as minute) as clock`,
  `insert into devices (device_id, user_id, platform, token)
   select md5('ios' || n)::uuid, n, 'ios', md5('ios' || n) || md5('token' || n)
   from generate_series(1, $1::integer) as n where n % 4 <> 0`,
  `insert into devices (device_id, user_id, platform, token)
   select md5('android' || n)::uuid, n, 'android', md5('android' || n) || ':APA91b' || repeat(md5('token' || n), 4)
   from generate_series(1, $1::integer) as n where n % 4 = 3`,
  `insert into notification_settings (user_id, channel, opt_in)
   select n, 'email', false from generate_series(1, $1::integer) as n where n % 20 = 8`,
  `insert into category_settings (user_id, category, channel, opt_in)
   select n, 'offers', 'push', false from generate_series(1, $1::integer) as n where n % 25 = 6`,
]

/** @param hashOf the keyed hash under which the suppression list knows an email address. */
export async function insertPeople(client: Client, hashOf: (email: string) => Uint8Array): Promise<void> {
  for (const statement of statements) await client.query(statement, [peopleCount])
  const suppressed = Array.from({ length: peopleCount }, (_, index) => index + 1).filter(
    (userId) => personOf(userId).emailSuppressed,
  )
  await client.query(
    `insert into suppressions (channel, address_hash, scope, reason)
     select 'email', hash, 'all', 'bounced' from unnest($1::bytea[]) as hash`,
    [suppressed.map((userId) => Buffer.from(hashOf(emailOf(userId))))],
  )
  await client.query('analyze')
}
