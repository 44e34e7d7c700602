/** The rows of Postgres that the checker holds against the rest, with the column names of migrations/. */
import { Client } from 'pg'
import type { Category, DeliveryRow, NotificationRow, Person, Regression, ScheduledRow } from './observations.ts'

export interface DatabaseContents {
  notifications: NotificationRow[]
  deliveries: DeliveryRow[]
  scheduled: ScheduledRow[]
  people: Person[]
  categories: Category[]
  regressions: Regression[]
}

export async function readDatabase(url: string): Promise<DatabaseContents> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const query = async <Row>(text: string) => (await client.query(text)).rows as Row[]
  try {
    return {
      notifications: await query<NotificationRow>(notifications),
      deliveries: await query<DeliveryRow>(deliveries),
      scheduled: await query<ScheduledRow>(scheduled),
      people: (await query<PersonRow>(people)).map(toPerson),
      categories: await query<Category>('select name, channels, mandatory as "isMandatory", caps from categories'),
      regressions: await readRegressions(query),
    }
  } finally {
    await client.end()
  }
}

/** Only rows about feedback have the database watch over its states. Back to `claimed` a claim alone goes, and up a hop. */
async function readRegressions(query: <Row>(text: string) => Promise<Row[]>): Promise<Regression[]> {
  const [found] = await query<{ table: string | null }>(`select to_regclass('state_transitions')::text as table`)
  if (found?.table === null || found === undefined) return []
  return query<Regression>(
    `select delivery_id as "deliveryId", from_state::text as from, to_state::text as to from state_transitions
     where to_state < from_state and not (from_state = 'retrying' and to_state = 'claimed')`,
  )
}

/** pg gives numerics as text; a double holds every millisecond that matters. */
const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::double precision`

const notifications = `
  select notification_id as "notificationId", source, decision::text, delivery_ids::text[] as "deliveryIds"
  from notifications`

const deliveries = `
  select delivery_id as "deliveryId", notification_id as "notificationId", source, channel::text, address,
    state::text, reason, unknown_policy::text as "unknownPolicy", hop, ${ms('created_at')} as "createdAt",
    ${ms('expires_at')} as "expiresAt", provider, provider_message_id as "providerMessageId"
  from deliveries`

const scheduled = `
  select notification_id as "notificationId", source, ${ms('due_at')} as "dueAt" from scheduled_notifications`

interface PersonRow {
  userId: string
  email: string | null
  phoneNumber: string | null
  ios: string[]
  android: string[]
}

const people = `
  select user_id as "userId", email, phone_number as "phoneNumber",
    array(select token from devices as d
          where d.user_id = u.user_id and platform = 'ios' and invalidated_at is null) as ios,
    array(select token from devices as d
          where d.user_id = u.user_id and platform = 'android' and invalidated_at is null) as android
  from users as u`

function toPerson({ userId, email, phoneNumber, ios, android }: PersonRow): Person {
  return {
    userId: Number(userId),
    addresses: {
      ios,
      android,
      sms: phoneNumber === null ? [] : [phoneNumber],
      email: email === null ? [] : [email],
    },
  }
}
