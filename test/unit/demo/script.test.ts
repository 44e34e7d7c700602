import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isEmailAddress } from '../../../src/domain/contact-address.ts'
import type { Profile } from '../../../src/domain/profile.ts'
import { quietOf } from '../../../src/domain/quiet-of.ts'
import { predictedOutcomes, type Outcome } from '../../../src/local/demo/predictions.ts'
import { createScript, demoCategories, type ScriptedEvent } from '../../../src/local/demo/script.ts'
import { plannedEvent } from '../../../src/local/demo/event-plan.ts'
import { seededCategories } from '../../../src/local/seed/categories.ts'
import { seededPerson, type SeededPerson } from '../../../src/local/seed/people.ts'
import { graceMs } from '../../../src/redis/caps.ts'

const seed = 'test'
const users = 1_000
const nowMs = Date.UTC(2026, 10, 22, 12)
const minuteMs = 60_000

/** With a few of everything. */
const small = { events: 200, users: 50 }

function aScript(choices: { events?: number; users?: number; nowMs?: number } = {}) {
  return createScript({ events: 2_000, users, seed, nowMs, ...choices })
}

function eventsOf({ eventAt }: ReturnType<typeof aScript>, events = 2_000): ScriptedEvent[] {
  return Array.from({ length: events }, (_, index) => eventAt(index))
}

const script = aScript()
const events = eventsOf(script)
const made = new Map(script.people.map((person) => [person.userId, person]))

function of(outcome: Outcome): ScriptedEvent[] {
  return events.filter((event) => event.outcome === outcome)
}

describe('the demo’s script', () => {
  test('says beforehand how many events of each outcome it has, at any length', () => {
    for (const length of [1, 99, 150, 2_000, 50_000]) {
      const long = aScript({ events: length })
      const outcomes = eventsOf(long, length).flatMap(({ outcome }) => outcome ?? [])
      for (const outcome of predictedOutcomes) {
        assert.equal(outcomes.filter((each) => each === outcome).length, long.predicted[outcome], outcome)
      }
    }
    for (const outcome of predictedOutcomes) assert.ok(script.predicted[outcome] >= 10, outcome)
    assert.equal(script.waiting, script.predicted.quiet + script.predicted.over_cap)
  })

  test('is the same for the same arguments, and has fifty times the events without fifty times those that wait', () => {
    assert.deepEqual(eventsOf(aScript()), events)
    assert.deepEqual(aScript().people, script.people)
    assert.equal(aScript({ events: 1_000_000 }).waiting, aScript({ events: 20_000 }).waiting)
  })

  test('leads with an ordinary event, and leaves the ordinary ones between as they are', () => {
    assert.equal(events[0]?.outcome, null)
    for (const [index, { outcome, sendAfterMs, ...event }] of events.entries()) {
      if (outcome !== null) continue
      assert.deepEqual(event, plannedEvent(index, { users, seed }))
      assert.equal(sendAfterMs, null)
    }
  })

  test('has people of its own, each with an email address and in one scene', () => {
    assert.deepEqual(
      [...made.keys()],
      script.people.map((_, index) => users + 1 + index),
    )
    const categoriesOf = new Map<number, Set<string>>()
    for (const { userId, category, outcome } of events) {
      if (outcome === null || outcome === 'opted_out') continue
      assert.ok(isEmailAddress(made.get(userId)?.email ?? ''))
      categoriesOf.set(userId, (categoriesOf.get(userId) ?? new Set()).add(category))
    }
    assert.deepEqual(new Set(categoriesOf.keys()), new Set(made.keys()))
    assert.ok([...categoriesOf.values()].every(({ size }) => size === 1))
  })

  test('opts nobody out itself: it finds seeded people who do not want offers', () => {
    for (const { userId, category } of of('opted_out')) {
      const { email, channelSettings, categorySettings } = seededPerson(userId, seed)
      assert.ok(email !== null)
      const off = [...channelSettings, ...categorySettings.filter((setting) => setting.category === category)]
      assert.ok(off.some(({ channel, optIn }) => channel === 'email' && !optIn))
    }
  })

  test('keeps its quiet people quiet at any time of day, for as long as a demo may take, and ends their quiet', () => {
    for (let minute = 0; minute < 1_440; minute += 7) {
      const startMs = Date.UTC(2026, 10, 22) + minute * minuteMs + 59_999
      const quiet = guestOf(aScript({ ...small, nowMs: startMs }), 'quiet')
      for (const laterMs of [0, minuteMs, 60 * minuteMs, 300 * minuteMs]) {
        const { untilMs, expiresAt } = quietAt(quiet, startMs + laterMs)
        assert.ok(untilMs !== null && untilMs < expiresAt, `${minute} + ${laterMs} ms`)
        assert.ok(untilMs > startMs + laterMs)
      }
    }
  })

  test('has people whose quiet outlasts every event', () => {
    for (const hour of [0, 6, 12, 23]) {
      const startMs = Date.UTC(2026, 10, 22, hour, 59, 59)
      const { untilMs, expiresAt } = quietAt(guestOf(aScript({ ...small, nowMs: startMs }), 'quiet_all_day'), startMs)
      assert.ok(untilMs !== null && untilMs >= expiresAt)
    }
  })

  test('gives everybody under a cap what it allows and more, together', () => {
    for (const { caps, name } of [demoCategories.alert, demoCategories.tip]) {
      const [cap] = caps
      for (const [, own] of Map.groupBy(
        events.flatMap((event, index) => (event.category === name ? [{ ...event, index }] : [])),
        ({ userId }) => userId,
      )) {
        const within = own.map(({ outcome }) => outcome === 'within_cap')
        assert.deepEqual(
          within,
          own.map((_, index) => index < (cap?.limit ?? 0)),
        )
        assert.ok(own.at(-1)!.index - own[0]!.index < 10)
      }
    }
  })

  test('waits with what comes in time only to a router that has caught up until it has', () => {
    const positionsOf = (outcome: Outcome) =>
      events.flatMap((event, index) => (event.outcome === outcome ? [index] : []))
    const [caughtUp] = positionsOf('cancelled_ahead')
    for (const outcome of ['over_cap_briefly', 'scheduled'] as const) assert.ok(positionsOf(outcome)[0]! > caughtUp!)
    for (const outcome of ['repeated', 'conflicting'] as const) assert.ok(positionsOf(outcome).at(-1)! < caughtUp!)
  })

  test('brings what is over the brief cap back when what is scheduled comes', () => {
    const [scheduled] = of('scheduled')
    const [cap] = demoCategories.alert.caps
    assert.equal((cap?.windowSeconds ?? 0) * 1_000 + graceMs, scheduled?.sendAfterMs)
  })

  test('takes names that the seeded catalogue does not have, and templates that it has', () => {
    const seeded = new Set(seededCategories.map(({ name }) => name))
    const templates = new Set(seededCategories.map(({ templateId }) => templateId))
    for (const { name, templateId, channels } of Object.values(demoCategories)) {
      assert.ok(!seeded.has(name))
      assert.ok(templates.has(templateId))
      assert.deepEqual(channels, ['email'])
    }
  })
})

function guestOf(of: ReturnType<typeof aScript>, outcome: Outcome): SeededPerson {
  const event = eventsOf(of, small.events).find((each) => each.outcome === outcome)
  const guest = of.people.find(({ userId }) => userId === event?.userId)
  assert.ok(guest !== undefined, outcome)
  return guest
}

function quietAt({ userId, timeZone, quietHours }: SeededPerson, atMs: number) {
  const expiresAt = atMs + demoCategories.reminder.timeToLiveSeconds * 1_000
  const profile: Profile = {
    userId,
    version: 1,
    email: null,
    phoneNumber: null,
    locale: null,
    timeZone,
    quietFromMinute: quietHours?.fromMinute ?? null,
    quietUntilMinute: quietHours?.untilMinute ?? null,
    devices: [],
    channelOptIns: {},
    categoryOptIns: [],
  }
  const span = { fromMs: atMs, untilMs: expiresAt, defaultZone: 'UTC' }
  return { untilMs: quietOf(demoCategories.reminder, profile, span).untilMs, expiresAt }
}
