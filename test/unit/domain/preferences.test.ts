import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isEmptyChange, preferenceChanges, type WantedPreferences } from '../../../src/domain/preferences.ts'
import { preferences } from '../../support/builders/edge.ts'

/** As the page shows it, saved without a change. */
function unchanged(choices: Partial<WantedPreferences> = {}): WantedPreferences {
  const { channelOptIns, locale, timeZone, quietHours } = preferences()
  const categoryOptIns = (['push', 'sms', 'email'] as const).map((channel) => ({
    category: 'weekly-offers',
    channel,
    optIn: true,
  }))
  return { channelOptIns, categoryOptIns, locale, timeZone, quietHours, ...choices }
}

describe('saved preferences', () => {
  test('change nothing that was left alone, so a default stays one', () => {
    assert.ok(isEmptyChange(preferenceChanges(preferences(), unchanged())))
  })

  test('change what was changed and nothing else', () => {
    const wanted = unchanged({
      channelOptIns: { push: true, sms: false, email: true },
      categoryOptIns: [
        { category: 'weekly-offers', channel: 'push', optIn: true },
        { category: 'weekly-offers', channel: 'email', optIn: false },
      ],
    })
    assert.deepEqual(preferenceChanges(preferences(), wanted), {
      channelOptIns: [{ channel: 'sms', optIn: false }],
      categoryOptIns: [{ category: 'weekly-offers', channel: 'email', optIn: false }],
      person: null,
    })
  })

  test('change nothing about a category that nobody can leave, or that there is none of', () => {
    const categoryOptIns = ['login-code', 'gone'].map((category) => ({
      category,
      channel: 'email' as const,
      optIn: false,
    }))
    assert.ok(isEmptyChange(preferenceChanges(preferences(), unchanged({ categoryOptIns }))))
  })

  test('tell quiet hours that begin, move and end', () => {
    const hours = { fromMinute: 1_320, untilMinute: 480 }
    const personOf = (from: typeof hours | null, to: typeof hours | null) =>
      preferenceChanges(preferences({ quietHours: from }), unchanged({ quietHours: to })).person?.quietHours
    assert.deepEqual(personOf(null, hours), hours)
    assert.deepEqual(personOf(hours, { ...hours, untilMinute: 540 }), { ...hours, untilMinute: 540 })
    assert.equal(personOf(hours, null), null)
    assert.equal(personOf(hours, { ...hours }), undefined)
  })

  test('keep language, zone and hours together', () => {
    const { person } = preferenceChanges(preferences(), unchanged({ locale: 'ko' }))
    assert.deepEqual(person, { locale: 'ko', timeZone: 'Europe/Berlin', quietHours: null })
  })
})
