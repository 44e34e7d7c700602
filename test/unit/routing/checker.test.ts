/**
 * The checker of routing decisions reports each planted fault by its rule, and nothing where nothing is wrong.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { check } from '../../routing/checker/check.ts'
import { isQuiet } from '../../routing/checker/hours.ts'
import type { PublishedRequest } from '../../routing/checker/observations.ts'
import { minuteOfDay, zonesOf } from '../../routing/checker/wall-clock.ts'
import { packageOf, readSourceTree } from '../house-rules/source-tree.ts'
import { aCleanRun, ann, aRequest, aStatus, ids, minuteMs, news, noon, told, type Planted } from './clean-decisions.ts'
import { endAnother, halfAnHour, sendAnother } from './planted-events.ts'
import { routes } from './planted-routes.ts'
import { silences } from './planted-silences.ts'

/** What has to be reported of each, and nothing else. */
const faults = { ...routes, ...silences }

describe('the checker of routing decisions', () => {
  test('finds nothing where nothing is wrong', () => {
    const report = check(aCleanRun())
    assert.deepEqual(report.details, [])
    assert.deepEqual([report.events, report.deliveries, report.calls], [6, 4, 4])
  })

  for (const [fault, [rules, plant]] of Object.entries(faults)) {
    test(`reports ${fault}`, () => {
      const run = aCleanRun()
      plant(run)
      assert.deepEqual(Object.keys(check(run).rules).toSorted(), [rules].flat().toSorted())
    })
  }

  test('has a planted fault for every rule that it knows', () => {
    const planted = new Set(Object.values(faults).flatMap(([rules]) => rules))
    const known = checkerFiles.flatMap(({ text }) => [...text.matchAll(rulePattern)].map(([, rule = '']) => rule))
    assert.deepEqual([...new Set(known)].toSorted(), [...planted].toSorted())
  })
})

describe('the checker of routing decisions forgives', () => {
  const forgiven: Record<string, (run: Planted) => void> = {
    'two that lie a whole window apart': (run) => {
      run.categories[0]!.caps = [{ limit: 1, windowMs: halfAnHour }]
      sendAnother(run, noon + halfAnHour)
    },
    'what is put off for a place, and gets it': (run) => {
      run.categories[0]!.caps = [{ limit: 1, windowMs: halfAnHour }]
      run.statuses.push(aStatus({ notificationId: ids.another, status: 'deferred', reason: 'over_cap' }))
      sendAnother(run, noon + 40 * minuteMs)
    },
    'what is dropped over the cap, where the category says so': (run) => {
      run.categories[0]!.overCap = 'drop'
      endAnother(run, { status: 'suppressed', reason: 'capped', occurredAt: noon + minuteMs })
    },
    'what a cap of nothing forbids, although its category would wait': (run) => {
      run.categories.push({ ...run.categories[0]!, name: 'never', overCap: 'defer', caps: [{ limit: 0, windowMs: 1 }] })
      endAnother(run, { status: 'suppressed', reason: 'capped', occurredAt: noon + minuteMs })
      run.requests.find(({ notificationId }) => notificationId === ids.another)!.category = 'never'
    },
    'what would expire before the night is over': (run) => {
      const expiresAt = noon + 9 * 60 * minuteMs
      const occurredAt = noon + 61 * minuteMs
      run.requests.push(aRequest({ notificationId: ids.another, sequence: 20, expiresAt, publishedAt: occurredAt }))
      run.statuses.push(aStatus({ notificationId: ids.another, status: 'expired', reason: 'past_expiry', occurredAt }))
    },
    'what still has time': (run) => {
      run.requests.push(aRequest({ notificationId: ids.another, sequence: 20 }))
      run.waiting.push({ notificationId: ids.another, source: 'shop', deliveryId: null, dueAt: run.endedAt })
    },
    'one suppressed device beside another that is reached': (run) => {
      run.suppressions.push({ channel: 'push', address: 'ann ios', scope: 'all' })
      run.deliveries.shift()
      run.calls.shift()
      run.statuses = run.statuses.filter(({ deliveryId }) => deliveryId !== 'd-ios')
      told(run, ids.news, 'routed').plannedDeliveries = 2
      run.statuses.push(
        aStatus({ notificationId: ids.news, status: 'suppressed', channel: 'push', reason: 'address_suppressed' }),
      )
    },
    'somebody who signed up in time': (run) => {
      run.people.push({ ...structuredClone(run.people[0]!), userId: 9, knownFrom: noon + 5_000 })
      run.requests = run.requests.filter(({ notificationId }) => notificationId !== ids.stranger)
      run.statuses = run.statuses.filter(({ notificationId }) => notificationId !== ids.stranger)
      run.statuses.push(aStatus({ notificationId: ids.another, status: 'deferred', reason: 'user_pending' }))
      sendAnother(run, noon + 9_000, { event: { userId: 9 }, row: { userId: 9 } })
    },
    'a cancel that came too late': (run) => {
      const { createdAt } = run.requests[0]!
      run.cancels.push({ sequence: 9, publishedAt: noon + 1, notificationId: ids.news, source: 'shop', createdAt })
    },
    'the cancel of another day, before its event or after': (run) => {
      const wrong = { notificationId: ids.another, source: 'shop', createdAt: noon - 24 * 60 * minuteMs }
      run.cancels.push({ ...wrong, sequence: 0, publishedAt: noon - 1 })
      endAnother(run, { status: 'cancelled' })
      run.cancels.push({ ...wrong, notificationId: ids.news, sequence: 30, publishedAt: noon + 1 })
      run.statuses.push(aStatus({ notificationId: ids.news, status: 'cancelled', createdAt: wrong.createdAt }))
    },
    'the cancel of another app': (run) => {
      const { createdAt } = run.requests[0]!
      run.cancels.push({ sequence: 0, publishedAt: noon - 1, notificationId: ids.news, source: 'other', createdAt })
    },
    'a refusal by the provider': (run) => {
      run.calls[0]!.isAccepted = false
      const sent = run.statuses.find(({ deliveryId }) => deliveryId === 'd-ios')!
      Object.assign(sent, { status: 'failed', reason: 'unregistered' })
    },
  }

  for (const [what, plant] of Object.entries(forgiven)) {
    test(what, () => {
      const run = aCleanRun()
      plant(run)
      assert.deepEqual(check(run).details, [])
    })
  }
})

describe('the checker knows as refused for', () => {
  const dayMs = 24 * 60 * minuteMs
  const refusals: [reason: string, request: Partial<PublishedRequest>][] = [
    ['invalid_request', { notificationId: 'no uuid' }],
    ['invalid_request', { channels: ['email', 'pigeon'] }],
    ['invalid_request', { locale: 'not a locale' }],
    ['invalid_user_id', { userId: 0 }],
    ['unknown_category', { category: 'nonsense' }],
    ['unknown_template', { template: 'nonsense' }],
    ['unknown_template', { template: 'code', channels: ['push'] }],
    ['expires_before_created', { expiresAt: noon - 1_001 }],
    ['expires_before_send_at', { expiresAt: noon + 1, sendAt: noon + 2 }],
    ['too_old', { createdAt: noon - 7 * dayMs - 1 }],
    ['in_future', { createdAt: noon + 60 * minuteMs + 1 }],
    ['beyond_horizon', { sendAt: noon + 21 * dayMs }],
  ]

  for (const [reason, request] of refusals) {
    test(`${reason}: ${JSON.stringify(request)}`, () => {
      const run = aCleanRun()
      run.requests.push(aRequest({ notificationId: ids.another, sequence: 20, ...request }))
      const notificationId = request.notificationId ?? ids.another
      const status = aStatus({ notificationId, status: 'failed', reason })
      run.statuses.push(status)
      assert.deepEqual(check(run).details, [])
      status.reason = 'too_large'
      assert.deepEqual(Object.keys(check(run).rules), ['a reason that does not hold'])
    })
  }
})

describe('the checker’s wall clock', () => {
  test('stands still in no night on which clocks are changed', () => {
    const minutesAfter = (zone: string, from: string) =>
      [0, 30, 60, 90, 120].map((minutes) => minuteOfDay(zone, Date.parse(from) + minutes * minuteMs))
    assert.deepEqual(minutesAfter('Europe/Berlin', '2026-03-29T00:30:00Z'), [90, 180, 210, 240, 270])
    assert.deepEqual(minutesAfter('America/New_York', '2026-11-01T05:00:00Z'), [60, 90, 60, 90, 120])
    assert.deepEqual(minutesAfter('Australia/Lord_Howe', '2026-04-04T14:30:00Z'), [90, 90, 120, 150, 180])
  })

  test('hangs where the person says, else in the country of the number, else in the region of the locale, else where the operator says', () => {
    const nowhere = { timeZone: null, phoneNumber: null, locale: null }
    assert.deepEqual(zonesOf({ ...ann, timeZone: 'Asia/Tokyo' }, 'Europe/London'), ['Asia/Tokyo'])
    assert.deepEqual(zonesOf({ ...nowhere, phoneNumber: '+821012345678', locale: 'de-DE' }, 'Europe/London'), [
      'Asia/Seoul',
    ])
    assert.deepEqual(zonesOf({ ...nowhere, timeZone: 'Nowhere/Land', locale: 'ja-JP' }, 'Europe/London'), [
      'Asia/Tokyo',
    ])
    assert.ok(zonesOf({ ...nowhere, locale: 'en-US' }, 'Europe/London').length > 5)
    assert.deepEqual(zonesOf({ ...nowhere, locale: 'en' }, 'Europe/London'), ['Europe/London'])
  })

  test('rings where quiet hours do not apply', () => {
    const night = noon + 2 * 60 * minuteMs
    const hours = { person: ann, category: news, zones: ['Asia/Seoul'] }
    assert.equal(isQuiet(hours, night), true)
    assert.equal(isQuiet({ ...hours, category: { ...news, quietHours: 'ignore' } }, night), false)
    assert.equal(isQuiet({ ...hours, category: { ...news, isMandatory: true } }, night), false)
    const daytime = { fromMinute: 9 * 60, untilMinute: 20 * 60 }
    assert.equal(isQuiet({ ...hours, category: { ...news, quietHours: 'ignore', sendWindow: daytime } }, noon), true)
  })
})

const root = join(import.meta.dirname, '../../..')
const checkerFiles = readSourceTree(root, 'test/routing/checker')
/** Rules stand in the checker's files as text beside one of these words. */
const rulePattern = /(?:rule: |push\(|\? \[|: \[|return \[)'([^']* [^']*)'/g

describe('the code of the checker of routing decisions', () => {
  const imports = checkerFiles.flatMap((file) => file.imports.map((each) => ({ file: file.path, ...each })))

  test('shares nothing with what it judges, nor with other tests', () => {
    assert.ok(imports.length > 20)
    assert.deepEqual(
      imports.filter(({ own, target }) => own && !target.startsWith('test/routing/checker/')),
      [],
    )
    const packages = new Set(imports.filter(({ own }) => !own).map(({ target }) => packageOf(target)))
    assert.deepEqual([...packages], ['libphonenumber-js'])
  })
})
