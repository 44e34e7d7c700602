/**
 * The events of the router's bench and the rules that they meet: every feature of the router has its share of them, and
 * caps have people who hear a lot.
 */
import type { Client } from 'pg'
import { uuidV7 } from '../../src/domain/uuid-v7.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { createDraws, type Draws } from '../../src/local/seed/draws.ts'
import { peopleCount } from './people.ts'

/** What the routers are told: caps of a person over all categories. */
export const userCaps = '5/1h,50/1d'
export const userCapPerHour = 5

export const categoryNames = ['offers', 'news'] as const
export type CategoryName = (typeof categoryNames)[number]

/** Both of the bulk lane. Caps of an hour, and of a day that no person of the bench reaches. */
export const categories = {
  offers: { channels: ['push', 'email'], capPerHour: 3, capPerDay: 10 },
  news: { channels: ['push', 'sms', 'email'], capPerHour: null, capPerDay: null },
} as const satisfies Record<CategoryName, object>

/** Long enough for whatever waits for its place. */
const timeToLiveSeconds = 6 * 86_400
/** Past the time in which a sign-up is waited for, so that who is unknown stays unknown. */
const createdBeforeMs = 600_000

/** How many of a thousand events. */
const perMille = { scheduled: 20, unknownUser: 10, repeated: 20, toBusyPeople: 100 }
/** Enough that most of their events are over a cap. */
const eventsPerBusyPerson = 30

export interface BenchEvent {
  event: NotificationRequested
  category: CategoryName
  /** Published a second time, later. */
  isRepeat: boolean
}

/** The same for the same count, but for ids and times. */
export function eventsOf(count: number, nowMs: number): BenchEvent[] {
  const busyPeople = Math.max(1, Math.round((count * perMille.toBusyPeople) / 1_000 / eventsPerBusyPerson))
  const events: BenchEvent[] = []
  for (let index = 0; index < count; index += 1) {
    const draws = createDraws('router bench', index)
    const share = draws.below(1_000)
    const earlier = events[draws.below(Math.max(1, events.length))]
    if (share < perMille.repeated && earlier !== undefined) events.push({ ...earlier, isRepeat: true })
    else events.push(newEvent(draws, { index, share: share - perMille.repeated, busyPeople, nowMs }))
  }
  return events
}

interface Drawn {
  index: number
  share: number
  busyPeople: number
  nowMs: number
}

function newEvent(draws: Draws, { index, share, busyPeople, nowMs }: Drawn): BenchEvent {
  const isUnknown = share >= 0 && share < perMille.unknownUser
  const isScheduled = !isUnknown && share >= 0 && share < perMille.unknownUser + perMille.scheduled
  const category = draws.below(5) === 0 ? 'news' : 'offers'
  const createdAt = nowMs - createdBeforeMs + Math.floor(index / 100)
  return {
    category,
    isRepeat: false,
    event: {
      notificationId: uuidV7(createdAt, draws.bytes(10)),
      source: 'bench',
      userId: isUnknown ? peopleCount + 1 + index : userOf(draws, busyPeople),
      category,
      template: null,
      locale: null,
      data: { item_name: `Umbrella ${index}`, date: '1 October', price: '19.90', in_stock: 12 },
      channels: null,
      sendAt: isScheduled ? nowMs + 86_400_000 : null,
      expiresAt: null,
      collapseKey: null,
      createdAt,
    },
  }
}

function userOf(draws: Draws, busyPeople: number): number {
  const isBusy = draws.below(1_000) < perMille.toBusyPeople
  // A stride, so that busy people are of every kind.
  return 1 + (isBusy ? (draws.below(busyPeople) * 101) % peopleCount : draws.below(peopleCount))
}

const callToAction = { title: 'Order now', url: 'https://shop.example.com/' }
const contents = {
  push: { title: '{{ item_name }} is back', body: '{{ item_name }} is back since {{ date }}.', callToAction },
  sms: { body: '{{ item_name }} is back since {{ date }}.' },
  email: {
    subject: '{{ item_name }} is back',
    text: '{{ item_name }} is back since {{ date }}.',
    html: '<p>{{ item_name }} is back since {{ date }}.</p>',
    callToAction,
  },
}

export async function insertRules(client: Client): Promise<void> {
  await client.query(`insert into templates (template_id, version, published) values ('back-in-stock', 1, true)`)
  for (const [channel, content] of Object.entries(contents)) {
    await client.query(
      `insert into template_contents (template_id, version, channel, locale, content, variables)
       values ('back-in-stock', 1, $1, 'en', $2, '{item_name,date}')`,
      [channel, JSON.stringify(content)],
    )
  }
  for (const [name, { channels, capPerHour, capPerDay }] of Object.entries(categories)) {
    const caps = [
      ...(capPerHour === null ? [] : [{ limit: capPerHour, windowSeconds: 3_600 }]),
      ...(capPerDay === null ? [] : [{ limit: capPerDay, windowSeconds: 86_400 }]),
    ]
    await client.query(
      `insert into categories (name, lane, channels, caps, time_to_live_seconds, template_id)
       values ($1, 'bulk', $2, $3, $4, 'back-in-stock')`,
      [name, channels, JSON.stringify(caps), timeToLiveSeconds],
    )
  }
}
