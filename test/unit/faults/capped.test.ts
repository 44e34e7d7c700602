import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { check } from '../../faults/checker/check.ts'
import { aCall, aCleanRun, anEvent, aRow, aStatus, calledAt, type Planted } from './clean-run.ts'

const windowMs = 20_000
const graceMs = 5_000
const userId = 7

interface Sent {
  /** After the run's moment. */
  routedMs: number
  /** When the provider was called; at once if absent. */
  calledMs?: number
  /** Null: Redis holds none. At the routing if absent. */
  placeMs?: number | null
  category?: string
}

/** One person and two notifications within 20 s: under the cap of their category, or over all. */
function aCappedRun(sent: readonly Sent[], overAll = false): Planted {
  const run = aCleanRun()
  const cap = { limit: 2, windowSeconds: windowMs / 1_000 }
  const common = { channels: ['sms'], isMandatory: false }
  run.categories.push({ ...common, name: 'offers', caps: overAll ? [] : [cap] }, { ...common, name: 'news', caps: [] })
  run.schedule.userCaps = overAll ? [cap] : []
  // What the clean run sends counts for nobody.
  run.categories[0]!.isMandatory = true
  for (const [at, each] of sent.entries()) addSent(run, `n-${at}`, each)
  return run
}

function addSent(run: Planted, notificationId: string, given: Sent): void {
  const { routedMs, calledMs = routedMs, placeMs = routedMs, category = 'offers' } = given
  const id = { notificationId, source: 'shop' }
  const deliveryId = `d-${notificationId}`
  const delivery = { deliveryId, channel: 'sms' }
  run.requests.push(anEvent({ ...id, userId, category, channels: ['sms'], offset: `9${run.requests.length}` }))
  run.statuses.push(
    aStatus({ ...id, status: 'routed', plannedDeliveries: 1, occurredAt: calledAt + routedMs }),
    aStatus({ ...id, ...delivery, status: 'sent' }),
  )
  run.notifications.push({ ...id, decision: 'routed', deliveryIds: [deliveryId] })
  run.deliveries.push(aRow({ ...delivery, ...id }))
  run.calls.push(aCall({ ...delivery, sequence: run.calls.length + 1, receivedAtMs: calledAt + calledMs }))
  if (placeMs === null) return
  for (const of of run.schedule.userCaps.length > 0 ? [null] : category === 'offers' ? ['offers'] : []) {
    run.places.push({ userId, category: of, ...id, at: calledAt + placeMs })
  }
}

const rulesOf = (run: Planted) => Object.keys(check(run).rules).toSorted()
const spaced = [0, 1_000, windowMs + graceMs, windowMs + graceMs + 1_000].map((routedMs) => ({ routedMs }))

describe('the checker of caps', () => {
  test('finds nothing where every window holds at most as many as its cap allows', () => {
    for (const overAll of [false, true]) assert.deepEqual(rulesOf(aCappedRun(spaced, overAll)), [])
    // Two that lie a whole window apart share none.
    const touching = [{ routedMs: 0 }, { routedMs: 1 }, { routedMs: windowMs }]
    assert.deepEqual(rulesOf(aCappedRun(touching)), [])
  })

  test('reports what was routed too soon for a category’s cap, and for a person’s', () => {
    const third = { routedMs: windowMs - 1 }
    const heldBack = { ...third, calledMs: windowMs + graceMs }
    for (const overAll of [false, true]) {
      const rules = (sent: Sent) => rulesOf(aCappedRun([...spaced.slice(0, 2), sent], overAll))
      assert.deepEqual(rules(third), ['early: called over a cap', 'early: routed over a cap'])
      assert.deepEqual(rules(heldBack), ['early: routed over a cap'])
    }
    const otherCategory = { routedMs: 5_000, category: 'news' }
    assert.deepEqual(rulesOf(aCappedRun([...spaced.slice(0, 2), otherCategory])), [])
    assert.ok(rulesOf(aCappedRun([...spaced.slice(0, 2), otherCategory], true)).includes('early: routed over a cap'))
  })

  test('reports calls that come together although they were routed apart, but for the lag of the machine', () => {
    const late = { routedMs: 0, calledMs: 10_000 }
    const run = aCappedRun([late, late, { routedMs: windowMs + graceMs }])
    assert.deepEqual(rulesOf(run), ['early: called over a cap'])
    run.schedule.sendLagMs = 10_000
    assert.deepEqual(rulesOf(run), [])
  })

  test('counts what a dead router had routed at that moment, and nothing else', () => {
    const late = { routedMs: 0, calledMs: 10_000 }
    const run = aCappedRun([late, late, { routedMs: windowMs + graceMs }])
    const died = (role: string, afterMs: number) => {
      run.schedule.kills = [{ role, atMs: calledAt + afterMs, inFlight: 0 }]
      return rulesOf(run)
    }
    assert.deepEqual(died('router-2', 1_000), [])
    for (const [role, afterMs] of [
      ['router-2', -1],
      ['router-2', 10_001],
      ['sender-sms', 1_000],
    ] as const) {
      assert.deepEqual(died(role, afterMs), ['early: called over a cap'])
    }
  })

  test('counts a notification once, whatever its deliveries, and a mandatory one not at all', () => {
    const run = aCappedRun(spaced)
    run.calls.push(
      aCall({ deliveryId: 'd-n-0', channel: 'sms', sequence: 90, receivedAtMs: calledAt + 2_000, verdict: 'refused' }),
    )
    assert.deepEqual(rulesOf(run), [])
    const mandatory = aCappedRun([0, 1, 2].map((routedMs) => ({ routedMs, placeMs: null })))
    mandatory.categories.find(({ name }) => name === 'offers')!.isMandatory = true
    assert.deepEqual(rulesOf(mandatory), [])
  })

  test('lets pass what was routed while nobody could count, and nothing before and after', () => {
    const away = { fromMs: calledAt + 2_000, untilMs: calledAt + 12_000 }
    const during = [3_000, 4_000, 5_000].map((routedMs) => ({ routedMs, placeMs: null }))
    const run = aCappedRun([...spaced, ...during])
    assert.deepEqual(rulesOf(run).includes('early: routed over a cap'), true)
    run.schedule.capsAway = [away]
    assert.deepEqual(rulesOf(run), [])
    addSent(run, 'after', { routedMs: 12_000 })
    assert.deepEqual(rulesOf(run), ['early: called over a cap', 'early: routed over a cap'])
  })

  test('reports whoever is charged for nothing, or not charged, or for another moment', () => {
    const forNothing = aCappedRun(spaced)
    forNothing.places.push({ ...forNothing.places[0]!, notificationId: 'failed' })
    assert.deepEqual(rulesOf(forNothing), ['contradictory: a place that nothing uses'])

    const uncharged = aCappedRun([{ routedMs: 0, placeMs: null }])
    assert.deepEqual(rulesOf(uncharged), ['contradictory: routed without a place under the caps of its category'])
    const unchargedOverAll = aCappedRun([{ routedMs: 0, placeMs: null }], true)
    assert.deepEqual(rulesOf(unchargedOverAll), ['contradictory: routed without a place under the caps over all'])

    for (const placeMs of [-(graceMs + 2_001), 2_001]) {
      const otherwise = aCappedRun([{ routedMs: 0, placeMs }])
      assert.deepEqual(rulesOf(otherwise), ['contradictory: routed at another moment than charged for'])
    }

    const twice = aCappedRun(spaced, true)
    twice.places.push({ ...twice.places[0]!, category: 'offers', at: calledAt + 1 })
    assert.deepEqual(rulesOf(twice), ['contradictory: charged at two moments'])
  })

  test('lets a place wait for what is deferred to it, and be forgotten when no window reaches it', () => {
    const waiting = aCappedRun(spaced)
    const id = { notificationId: 'later', source: 'shop' }
    waiting.requests.push(anEvent({ ...id, userId, category: 'offers', offset: '99' }))
    waiting.statuses.push(aStatus({ ...id, status: 'deferred', reason: 'over_cap' }))
    waiting.notifications.push({ ...id, decision: 'deferred', deliveryIds: [] })
    waiting.scheduled.push({ ...id, dueAt: calledAt + 3_600_000 })
    waiting.places.push({ ...id, userId, category: 'offers', at: calledAt + 3_600_000 })
    assert.deepEqual(rulesOf(waiting), [])

    const forgotten = aCappedRun([{ routedMs: 0, placeMs: null }, { routedMs: windowMs + graceMs }])
    assert.deepEqual(rulesOf(forgotten), [])
    const longAgo = aCappedRun([{ routedMs: 0, placeMs: null }])
    longAgo.schedule.endedAtMs = calledAt + 60_001
    assert.deepEqual(rulesOf(longAgo), [])
  })
})
