/**
 * The demo's script: ordinary events (see event-plan.ts) and among the first of them special ones, each made to be
 * suppressed, to wait, to be cancelled or to be found a duplicate; and the people and categories made for them.
 *
 * A function of its arguments, the predictions too. Only the quiet people depend on the time of day, since nobody's daily
 * hours are quiet at any time and yet end.
 */
import type { Category } from '../../domain/category.ts'
import type { DailyHours } from '../../domain/quiet-windows.ts'
import { createDraws } from '../seed/draws.ts'
import { seededCategories } from '../seed/categories.ts'
import { seededPerson, type SeededPerson } from '../seed/people.ts'
import { plannedEvent, templateDataOf, type PlannedEvent } from './event-plan.ts'
import { predictedOutcomes, waits, type Outcome } from './predictions.ts'

export interface ScriptedEvent extends PlannedEvent {
  /** Null of an ordinary event. */
  outcome: Outcome | null
  /** From createdAt to sendAt; null without a sendAt. */
  sendAfterMs: number | null
}

export interface Script {
  /** Those made for special events, beside the seeded ones. */
  people: readonly SeededPerson[]
  /** @param index from 0 to below the number of events. */
  eventAt(index: number): ScriptedEvent
  /** How many events there are of each outcome. */
  predicted: Readonly<Record<Outcome, number>>
  /** How many of the events are still waiting at the end. */
  waiting: number
}

export interface ScriptOptions {
  events: number
  /** The seeded people: ids from 1 on. */
  users: number
  seed: string
  /** When the demo begins, Unix ms. */
  nowMs: number
}

const minuteMs = 60_000
const dayMinutes = 1_440
/** Before and after the present: longer than any demo takes. */
const quietMarginMinutes = 360
/**
 * How long a scheduled event, and one over the brief cap, waits: longer than a router lags that has caught up, and over
 * before the last of 2,000 events is published.
 */
const briefWaitMs = 8_000
/** What a cap's places keep between them beyond the window (Fanfare's grace for late returns). */
const capGraceSeconds = 5
/** A long demo publishes faster, and a router may lag more; this is over before its last event is published, too. */
const scheduledWaitPerEventMs = 4
const scheduledWaitMaxMs = 60_000
const longWaitMs = 6 * 60 * minuteMs

/** Above this many events only the ordinary ones grow in number. */
const scaledEventsMax = 20_000

const demoTemplate = 'back-in-stock'

export const demoCategories = {
  reminder: emailCategory('demo-reminder', {}),
  alert: emailCategory('demo-alert', {
    lane: 'bulk',
    caps: [{ limit: 1, windowSeconds: briefWaitMs / 1_000 - capGraceSeconds }],
  }),
  tip: emailCategory('demo-tip', { lane: 'bulk', caps: [{ limit: 2, windowSeconds: 3_600 }] }),
} as const

function emailCategory(name: string, rules: Partial<Category>): Category {
  const model = seededCategories.find((category) => category.name === demoTemplate)
  if (model === undefined) throw new Error(`${demoTemplate} is not seeded`)
  return { ...model, lane: 'transactional', channels: ['email'], ...rules, name }
}

interface Scene {
  /** People in it of a thousand events. */
  perThousand: number
  /** What each of them gets, in this order and close together. */
  outcomes: readonly Outcome[]
  category?: Category
  quiet?: 'now' | 'all day'
  /** By the number of events. */
  sendAfterMs?(events: number): number
}

/** Played in this order. Of people who opted out there are enough among the seeded. */
const optedOutPerThousand = 10
const scenes: readonly Scene[] = [
  { perThousand: 5, outcomes: ['repeated'] },
  { perThousand: 5, outcomes: ['conflicting'] },
  {
    perThousand: 5,
    outcomes: ['within_cap', 'within_cap', 'over_cap', 'over_cap'],
    category: demoCategories.tip,
  },
  { perThousand: 10, outcomes: ['quiet'], quiet: 'now' },
  { perThousand: 5, outcomes: ['quiet_all_day'], quiet: 'all day' },
  { perThousand: 5, outcomes: ['cancelled_waiting'], sendAfterMs: () => longWaitMs },
  // Everything before these, their cancels included, is in the log when they come: so a router that was slow at first
  // has caught up, and sees what waits for seconds only in time.
  { perThousand: 5, outcomes: ['cancelled_ahead'] },
  { perThousand: 5, outcomes: ['within_cap', 'over_cap_briefly'], category: demoCategories.alert },
  { perThousand: 10, outcomes: ['scheduled'], sendAfterMs: scheduledWaitMs },
]

export function createScript(options: ScriptOptions): Script {
  const people: SeededPerson[] = []
  const special: ScriptedEvent[] = optedOutEvents(options)
  for (const scene of scenes) {
    for (let count = scaled(scene.perThousand, options); count > 0; count -= 1) {
      const userId = options.users + people.length + 1
      people.push(specialPerson(userId, scene.quiet, options))
      special.push(...eventsOf(scene, userId, options))
    }
  }
  const outcomes = special.flatMap(({ outcome }) => outcome ?? [])
  const counts = predictedOutcomes.map((outcome) => [outcome, outcomes.filter((each) => each === outcome).length])
  return {
    people,
    // Every second of the first ones: an ordinary event leads, so that they do not delay the first delivery.
    eventAt: (index) =>
      (index % 2 === 1 ? special[(index - 1) / 2] : undefined) ?? {
        ...plannedEvent(index, options),
        outcome: null,
        sendAfterMs: null,
      },
    // Built from the outcomes themselves, so each of them is there.
    predicted: Object.fromEntries(counts) as Record<Outcome, number>,
    waiting: outcomes.filter(waits).length,
  }
}

function scaled(perThousand: number, { events }: ScriptOptions): number {
  return Math.floor((Math.min(events, scaledEventsMax) * perThousand) / 1_000)
}

function scheduledWaitMs(events: number): number {
  return Math.min(scheduledWaitMaxMs, Math.max(briefWaitMs, events * scheduledWaitPerEventMs))
}

function eventsOf(scene: Scene, userId: number, { seed, events }: ScriptOptions): ScriptedEvent[] {
  const { outcomes, category = demoCategories.reminder } = scene
  const sendAfterMs = scene.sendAfterMs?.(events) ?? null
  return outcomes.map((outcome, index) => {
    const data = templateDataOf(demoTemplate, createDraws(seed, 'special event', userId, index))
    return { lane: category.lane, userId, category: category.name, data, outcome, sendAfterMs }
  })
}

const offers = 'weekly-offers'

/** For seeded people with an address who do not want offers by email. */
function optedOutEvents(options: ScriptOptions): ScriptedEvent[] {
  const unwilling = Array.from({ length: options.users }, (_, index) => seededPerson(index + 1, options.seed)).filter(
    ({ email, channelSettings, categorySettings }) =>
      email !== null &&
      (channelSettings.some(({ channel, optIn }) => channel === 'email' && !optIn) ||
        categorySettings.some(({ category, channel, optIn }) => category === offers && channel === 'email' && !optIn)),
  )
  return Array.from({ length: scaled(optedOutPerThousand, options) }, (_, index) => {
    const { userId } = unwilling[index % unwilling.length] ?? {}
    if (userId === undefined) throw new Error(`nobody of ${options.users} people has opted out`)
    const data = templateDataOf(offers, createDraws(options.seed, 'opted out', index))
    return { lane: 'bulk', userId, category: offers, data, outcome: 'opted_out', sendAfterMs: null }
  })
}

function specialPerson(userId: number, quiet: Scene['quiet'], { nowMs }: ScriptOptions): SeededPerson {
  return {
    userId,
    email: `guest.${userId}@example.com`,
    phoneNumber: null,
    locale: 'en-GB',
    // Of all zones the one in which minutes after midnight need no calendar.
    timeZone: 'UTC',
    quietHours: quiet === undefined ? null : quietHours[quiet](nowMs),
    devices: [],
    channelSettings: [],
    categorySettings: [],
  }
}

const quietHours: Record<'now' | 'all day', (nowMs: number) => DailyHours> = {
  now: (nowMs) => {
    const minute = Math.floor(nowMs / minuteMs) % dayMinutes
    return {
      fromMinute: (minute - quietMarginMinutes + dayMinutes) % dayMinutes,
      untilMinute: (minute + quietMarginMinutes) % dayMinutes,
    }
  },
  // Both ends alike are the whole day, and every day.
  'all day': () => ({ fromMinute: 0, untilMinute: 0 }),
}
