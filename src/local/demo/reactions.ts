/**
 * What people do with the messages that they get, and what it has to come to: the demo's closed loop.
 *
 * Everybody in it gets one message, reacts to it, and some of them are asked for a second one, which must not go out any
 * more. The predictions are a table, made before anything runs; nothing is read back from Fanfare. Pure.
 */
import type { Lane } from '../../domain/channel.ts'
import type { TemplateData } from '../../domain/notification.ts'
import { createDraws } from '../seed/draws.ts'
import type { SeededPerson } from '../seed/people.ts'
import { nameOf, type Evidence, type NotificationIdentity } from '../reconciliation/evidence.ts'
import { templateDataOf } from './event-plan.ts'
import { isAlike, rowWordsOf, storyOf } from './predictions.ts'
import { demoCategories } from './script.ts'

/** What each kind of person does once the message is there. */
export type Deed =
  | 'open'
  | 'open_by_proxy'
  | 'click'
  | 'unsubscribe_by_one_click'
  | 'unsubscribe_on_page'
  | 'bounce'
  | 'text_stop'
  | 'lose_token'

interface Reaction {
  title: string
  people: number
  deeds: readonly Deed[]
  by: 'email' | 'sms' | 'push'
  /** Everything that the status topic says of the first message, as `status/reason`. */
  statuses: readonly string[]
  /** Where the row of the first message ends, and after it its deliveries. */
  row: readonly string[]
  /** The same of the second message; null where there is none. */
  second: readonly string[] | null
}

const email = { by: 'email', statuses: ['routed', 'sent', 'delivered'] } as const

export const reactions = {
  opens: {
    ...reaction('opens the mail', 10, ['open']),
    ...email,
    statuses: [...email.statuses, 'opened'],
    row: ['routed', 'opened'],
  },
  clicks: {
    ...reaction('opens it and follows the link', 6, ['open', 'click']),
    ...email,
    statuses: [...email.statuses, 'opened', 'clicked'],
    row: ['routed', 'clicked'],
  },
  proxied: {
    ...reaction('a privacy proxy opens it: not counted', 4, ['open_by_proxy']),
    ...email,
    statuses: [...email.statuses, 'opened'],
    row: ['routed', 'delivered'],
  },
  leaves: {
    ...reaction('unsubscribes with one click', 1, ['unsubscribe_by_one_click']),
    ...email,
    statuses: [...email.statuses, 'unsubscribed'],
    row: ['routed', 'unsubscribed'],
    second: ['suppressed/opted_out'],
  },
  leaves_on_page: {
    ...reaction('turns everything off on the page', 1, ['unsubscribe_on_page']),
    ...email,
    // One for each channel that was on.
    statuses: [...email.statuses, 'unsubscribed', 'unsubscribed', 'unsubscribed'],
    row: ['routed', 'unsubscribed'],
    second: ['suppressed/opted_out'],
  },
  bounces: {
    ...reaction('has no such mailbox: bounces for good', 2, ['bounce']),
    ...email,
    statuses: ['routed', 'sent', 'bounced/invalid_address'],
    row: ['routed', 'bounced'],
    second: ['suppressed/address_suppressed'],
  },
  texts_stop: {
    ...reaction('answers STOP', 1, ['text_stop']),
    by: 'sms',
    // Login codes go by push, too, and this person has no device.
    statuses: ['routed', 'suppressed/no_address', 'sent', 'delivered'],
    row: ['routed', 'delivered'],
    second: ['suppressed/no_address', 'suppressed/address_suppressed'],
  },
  loses_token: {
    ...reaction('has taken the app off: the token dies', 1, ['lose_token']),
    by: 'push',
    statuses: ['routed', 'failed/unregistered'],
    row: ['routed', 'failed'],
    second: ['suppressed/no_address'],
  },
} as const satisfies Record<string, Reaction>
export type ReactionName = keyof typeof reactions

// The keys of the table above.
const reactionNames = Object.keys(reactions) as ReactionName[]

function reaction(title: string, people: number, deeds: readonly Deed[]) {
  return { title, people, deeds, second: null } as const
}

export interface Reactor {
  name: ReactionName
  person: SeededPerson
}

/** @param firstUserId free, as are those after it. */
export function createReactors(firstUserId: number): Reactor[] {
  const names = reactionNames.flatMap((name) => Array.from({ length: reactions[name].people }, () => name))
  return names.map((name, index) => ({ name, person: personOf(name, firstUserId + index) }))
}

/** Ends in what the simulator's rules of bounces and of dead tokens go by. */
export const bouncingDomain = '@gone.example.com'
const deadTokenPrefix = 'UNREGISTERED:'

function personOf(name: ReactionName, userId: number): SeededPerson {
  const { by } = reactions[name]
  const device = {
    deviceId: `00000000-0000-4000-8000-${String(userId).padStart(12, '0')}`,
    platform: 'android',
    token: `${deadTokenPrefix}${userId}`,
  } as const
  return {
    userId,
    email: by === 'email' ? `reader.${userId}${name === 'bounces' ? bouncingDomain : '@example.com'}` : null,
    // Of the numbers for fiction that Ofcom names; seeded people have none of them.
    phoneNumber: by === 'sms' ? `+44770090${String(userId % 10_000).padStart(4, '0')}` : null,
    locale: 'en-GB',
    timeZone: 'UTC',
    quietHours: null,
    devices: by === 'push' ? [device] : [],
    channelSettings: [],
    categorySettings: [],
  }
}

export interface ReactorEvent {
  lane: Lane
  userId: number
  category: string
  data: TemplateData
}

/** The first message and the second one are alike. */
export function eventFor({ name, person: { userId } }: Reactor): ReactorEvent {
  const draws = createDraws('closed loop', userId)
  switch (reactions[name].by) {
    case 'email': {
      const { lane, name: category } = demoCategories.reminder
      return { lane, userId, category, data: templateDataOf('back-in-stock', draws) }
    }
    case 'sms':
      return { lane: 'transactional', userId, category: 'login-code', data: templateDataOf('login-code', draws) }
    case 'push':
      return {
        lane: 'transactional',
        userId,
        category: 'delivery-update',
        data: templateDataOf('delivery-update', draws),
      }
  }
}

export function isAskedAgain({ name }: Reactor): boolean {
  return reactions[name].second !== null
}

/** A reactor with the messages that were asked for. */
export interface ReactorMessages extends Reactor {
  first: NotificationIdentity
  second: NotificationIdentity | null
}

/** How many people there were to be, and of how many each party says exactly what was predicted. */
export interface ReactionLine {
  title: string
  predicted: number
  statusTopic: number
  postgres: number
  /** Of the second messages; null where there are none. */
  heldBack: number | null
  holds: boolean
}

export function compareReactions(reactors: readonly ReactorMessages[], evidence: Evidence): ReactionLine[] {
  const testimony = testimonyOf(reactors, evidence)
  return reactionNames.map((name) => {
    const { title, people, statuses, row, second } = reactions[name]
    const among = reactors.filter((each) => each.name === name)
    const statusTopic = among.filter(({ first }) => isAlike(testimony.statusesOf(first), statuses)).length
    const postgres = among.filter(({ first }) => isAlike(testimony.rowOf(first), row)).length
    const heldBack =
      second === null
        ? null
        : among.filter((each) => each.second !== null && isAlike(testimony.statusesOf(each.second), second)).length
    const holds = [statusTopic, postgres, heldBack ?? people].every((count) => count === people)
    return { title, predicted: people, statusTopic, postgres, heldBack, holds }
  })
}

function testimonyOf(reactors: readonly ReactorMessages[], { statuses, notifications, deliveries }: Evidence) {
  const names = new Set(
    reactors.flatMap(({ first, second }) => (second === null ? [first] : [first, second])).map(nameOf),
  )
  const told = Map.groupBy(
    statuses.filter((status) => names.has(nameOf(status))),
    nameOf,
  )
  const rows = new Map(notifications.filter((row) => names.has(nameOf(row))).map((row) => [nameOf(row), row]))
  const stateOf = new Map(deliveries.map(({ deliveryId, state }) => [deliveryId, state]))
  return {
    statusesOf: (message: NotificationIdentity) => storyOf(told.get(nameOf(message)) ?? []),
    rowOf: (message: NotificationIdentity) => {
      const row = rows.get(nameOf(message))
      return row === undefined ? [] : rowWordsOf(row, (id) => stateOf.get(id) ?? 'missing')
    },
  }
}
