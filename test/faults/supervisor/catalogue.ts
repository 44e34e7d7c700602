/**
 * Who can be told what in a faults run: one template, a category without caps and one with, people who can be reached by
 * SMS, email and, every second one, on an iPhone. Written with SQL of its own, directly.
 */
import type { Client } from 'pg'

export const category = 'campaign'
export const userCount = 200

export const cappedCategory = 'capped-campaign'
/** Short, so that a run sees several windows. */
export const categoryCap = { limit: 3, windowSeconds: 20 }

export async function insertCatalogue(client: Client): Promise<void> {
  await client.query(`insert into templates (template_id, version, published) values ('news', 1, true)`)
  for (const [channel, content] of Object.entries(contents)) {
    await client.query(`insert into template_contents values ('news', 1, $1, 'en', $2)`, [
      channel,
      JSON.stringify(content),
    ])
  }
  await client.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id)
     values ($1, 'bulk', '{push,sms,email}', 7200, 'news')`,
    [category],
  )
  await client.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, caps)
     values ($1, 'bulk', '{push,sms,email}', 7200, 'news', $2)`,
    [cappedCategory, JSON.stringify([categoryCap])],
  )
  await client.query(
    `insert into users (user_id, email, phone_number, locale)
     select n, 'user-' || n || '@example.com', '+1415555' || lpad(n::text, 4, '0'), 'en'
     from generate_series(1, $1::integer) as n`,
    [userCount],
  )
  await client.query(
    `insert into devices (device_id, user_id, platform, token)
     select gen_random_uuid(), n, 'ios', md5(n::text) || md5('token' || n)
     from generate_series(1, $1::integer) as n where n % 2 = 0`,
    [userCount],
  )
}

const callToAction = { title: 'Have a look', url: 'https://shop.example.com/' }

const contents = {
  push: { title: 'News about {{ item }}', body: '{{ item }} is back.', callToAction },
  sms: { body: '{{ item }} is back.' },
  email: {
    subject: 'News about {{ item }}',
    text: '{{ item }} is back.',
    html: '<p>{{ item }} is back. {{ call_to_action.title }}</p>',
    callToAction,
  },
}
