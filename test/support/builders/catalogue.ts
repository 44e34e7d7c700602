/**
 * What a pipeline needs before its first event: a template in the three forms of a message, categories that use it, and
 * people with their devices.
 */
import { randomUUID } from 'node:crypto'
import type { NotificationRequested } from '../../../src/domain/notification.ts'
import type { TestDatabase } from '../database.ts'
import { aRequest } from './records.ts'

/** The book's back-in-stock message: a body with item_name and date, and a title that calls to action. */
const backInStock = {
  push: {
    title: '{{ item_name }} is back',
    body: 'You dreamed of it. We dared it. {{ item_name }} is back since {{ date }}.',
    callToAction: { title: 'Order now', url: 'https://shop.example.com/items/{{ item_name }}' },
  },
  sms: { body: '{{ item_name }} is back since {{ date }}.' },
  email: {
    subject: '{{ item_name }} is back',
    text: '{{ item_name }} is back since {{ date }}.',
    html: '<p>{{ item_name }} is back since {{ date }}. {{ call_to_action.title }}</p>',
    callToAction: { title: 'Order now', url: 'https://shop.example.com/' },
  },
}

/** One published template, and the category `receipt` that sends it over every channel for an hour. */
export async function insertCatalogue(database: TestDatabase): Promise<void> {
  await database.query(`insert into templates (template_id, version, published) values ('back-in-stock', 3, true)`)
  for (const [channel, content] of Object.entries(backInStock)) {
    await database.query(`insert into template_contents values ('back-in-stock', 3, $1, 'en', $2)`, [
      channel,
      JSON.stringify(content),
    ])
  }
  await database.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id)
     values ('receipt', 'transactional', '{push,sms,email}', 3600, 'back-in-stock')`,
  )
}

export interface Person {
  userId: number
  email?: string | null
  phoneNumber?: string | null
  iosTokens?: readonly string[]
  androidTokens?: readonly string[]
}

/** Reachable by email and SMS unless said otherwise, without a device unless said otherwise. */
export async function insertPerson(database: TestDatabase, person: Person): Promise<void> {
  const { userId, email = emailOf(userId), phoneNumber = phoneNumberOf(userId) } = person
  await database.query(`insert into users (user_id, email, phone_number, locale) values ($1, $2, $3, 'en')`, [
    userId,
    email,
    phoneNumber,
  ])
  const devices = [
    ...(person.iosTokens ?? []).map((token) => ({ platform: 'ios', token })),
    ...(person.androidTokens ?? []).map((token) => ({ platform: 'android', token })),
  ]
  for (const { platform, token } of devices) {
    await database.query(`insert into devices (device_id, user_id, platform, token) values ($1, $2, $3, $4)`, [
      randomUUID(),
      userId,
      platform,
      token,
    ])
  }
}

let newcomers = 0
/** Somebody new, with the ids from 1 on, so that whatever arrives there is of one test. */
export async function insertNewcomer(database: TestDatabase): Promise<number> {
  newcomers += 1
  await insertPerson(database, { userId: newcomers })
  return newcomers
}

export function emailOf(userId: number): string {
  return `user-${userId}@example.com`
}

/** Twelve hundred of them are distinct and possible. */
export function phoneNumberOf(userId: number): string {
  return `+1415555${String(userId).padStart(4, '0')}`
}

/** A request as of now, with an id of its own and all that the template needs. */
export function anEvent(given: Partial<NotificationRequested> = {}): NotificationRequested {
  return aRequest({
    notificationId: randomUUID(),
    createdAt: Date.now(),
    data: { item_name: 'Umbrella', date: '1 October' },
    ...given,
  })
}

/** Such a request, to the inbox alone. */
export function anEmail(given: Partial<NotificationRequested>): NotificationRequested {
  return anEvent({ channels: ['email'], ...given })
}
