import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decide, type DecisionInput } from '../../../src/domain/decide.ts'
import { optedIn } from '../../../src/domain/settings.ts'
import type { RequestChannel } from '../../../src/domain/channel.ts'
import { category, nowMs, profile, request, template } from '../../support/builders/requests.ts'

function decided(choices: Partial<DecisionInput> = {}) {
  return decide({
    event: request(),
    channels: null,
    profile: profile(),
    category: category(),
    template: template(),
    nowMs,
    defaultZone: 'UTC',
    isSuppressed: () => false,
    deliveryId: (channel, deviceId) => `${channel}:${deviceId ?? ''}`,
    ...choices,
  })
}

const channelsOf = (decision: ReturnType<typeof decided>) => decision.deliveries.map(({ channel }) => channel)

describe('the decision about an event', () => {
  test('plans one delivery for every device, one SMS and one email', () => {
    const decision = decided()
    assert.equal(decision.kind, 'routed')
    assert.deepEqual(
      decision.deliveries.map(({ deliveryId }) => deliveryId),
      ['ios:d1', 'android:d2', 'sms:', 'email:'],
    )
    assert.ok(decision.deliveries.every(({ templateVersion }) => templateVersion === 3))
  })

  test('follows the channels of the request before those of the category', () => {
    assert.deepEqual(channelsOf(decided({ channels: ['email'] })), ['email'])
    assert.deepEqual(channelsOf(decided({ category: category({ channels: ['sms'] }) })), ['sms'])
  })

  test('names for every channel that gets nothing why it does', () => {
    const decision = decided({
      profile: profile({ devices: [], channelOptIns: { sms: false } }),
    })
    assert.deepEqual(channelsOf(decision), ['email'])
    assert.deepEqual(decision.suppressedChannels, [
      { channel: 'push', reason: 'no_address' },
      { channel: 'sms', reason: 'opted_out' },
    ])
  })

  test('says of suppressed devices beside others that are reached, so that nobody has to ask why one stayed silent', () => {
    const [, android] = profile().devices
    const decision = decided({ channels: ['push'], isSuppressed: (_channel, address) => address === android?.token })
    assert.deepEqual(channelsOf(decision), ['ios'])
    assert.deepEqual(decision.suppressedChannels, [{ channel: 'push', reason: 'address_suppressed' }])
  })

  test('suppresses where no channel is left, and does not call that a failure', () => {
    const nobody = profile({ devices: [], email: null, phoneNumber: null })
    const decision = decided({ profile: nobody })
    assert.equal(decision.kind, 'suppressed')
    assert.equal(decision.reason, 'no_address')
    assert.equal(decision.suppressedChannels.length, 3)
  })

  test('takes what is no address for none, so that it never costs a call', () => {
    const devices = [
      { deviceId: 'd1', platform: 'ios' as const, token: '../3/device/no-hex' },
      { deviceId: 'd2', platform: 'android' as const, token: 'with a blank' },
    ]
    const decision = decided({ profile: profile({ email: 'not an address', phoneNumber: '12', devices }) })
    assert.equal(decision.kind, 'suppressed')
    assert.deepEqual(
      decision.suppressedChannels.map(({ reason }) => reason),
      ['no_address', 'no_address', 'no_address'],
    )
    const [good] = profile().devices
    const beside = profile({ devices: [...devices, ...(good === undefined ? [] : [good])] })
    assert.deepEqual(channelsOf(decided({ profile: beside, channels: ['push'] })), ['ios'])
  })

  test('fails with its reason what nobody could send', () => {
    assert.equal(decided({ category: undefined }).reason, 'unknown_category')
    assert.equal(decided({ template: undefined }).reason, 'unknown_template')
    assert.equal(decided({ template: template({ contentsOf: {} }) }).reason, 'unknown_template')
    assert.equal(decided({ profile: undefined, event: request({ createdAt: nowMs - 120_000 }) }).reason, 'unknown_user')
    for (const missing of [{ category: undefined }, { template: undefined }]) {
      assert.equal(decided(missing).kind, 'failed')
    }
  })

  test('lets the earlier of the event’s expiry and the category’s time-to-live end it', () => {
    const createdAt = nowMs - 1_000
    assert.equal(decided().deliveries[0]?.expiresAt, createdAt + 86_400_000)
    const soon = decided({ event: request({ expiresAt: nowMs + 5_000 }) })
    assert.equal(soon.deliveries[0]?.expiresAt, nowMs + 5_000)
    const late = decided({ event: request({ expiresAt: nowMs + 10 * 86_400_000 }) })
    assert.equal(late.deliveries[0]?.expiresAt, createdAt + 86_400_000)
  })

  test('expires what is due at this very instant, before it asks for anybody', () => {
    const decision = decided({ event: request({ expiresAt: nowMs }), profile: undefined })
    assert.deepEqual([decision.kind, decision.reason], ['expired', 'past_expiry'])
  })

  test('never sends early: what is for later waits for its time', () => {
    const later = decided({ event: request({ sendAt: nowMs + 1 }) })
    assert.deepEqual([later.kind, later.reason, later.deferredUntilMs], ['deferred', 'send_at', nowMs + 1])
    assert.equal(decided({ event: request({ sendAt: nowMs }) }).kind, 'routed')
  })

  test('speaks the language of the request, then of the person, then the fallback', () => {
    const localeOf = (eventLocale: string | null, personLocale: string | null) =>
      decided({
        event: request({ locale: eventLocale }),
        profile: profile({ locale: personLocale }),
        channels: ['email'],
      }).deliveries[0]?.locale
    assert.equal(localeOf('ko-KR', 'en'), 'ko')
    assert.equal(localeOf(null, 'ko'), 'ko')
    assert.equal(localeOf('fr', 'de'), 'en')
  })
})

describe('the settings of a person', () => {
  const rows: {
    mandatory: boolean
    channelSwitch: boolean | undefined
    own: boolean | undefined
    byDefault: boolean
    passes: boolean
  }[] = [
    { mandatory: true, channelSwitch: false, own: false, byDefault: false, passes: true },
    { mandatory: false, channelSwitch: false, own: true, byDefault: true, passes: false },
    { mandatory: false, channelSwitch: true, own: false, byDefault: true, passes: false },
    { mandatory: false, channelSwitch: undefined, own: false, byDefault: true, passes: false },
    { mandatory: false, channelSwitch: undefined, own: true, byDefault: false, passes: true },
    { mandatory: false, channelSwitch: true, own: undefined, byDefault: false, passes: false },
    { mandatory: false, channelSwitch: undefined, own: undefined, byDefault: true, passes: true },
    { mandatory: false, channelSwitch: undefined, own: undefined, byDefault: false, passes: false },
  ]
  test('have one precedence: mandatory, the channel switch off, the category’s own, the default', () => {
    const channel: RequestChannel = 'sms'
    for (const { mandatory, channelSwitch, own, byDefault, passes } of rows) {
      const person = profile({
        channelOptIns: channelSwitch === undefined ? {} : { sms: channelSwitch },
        categoryOptIns: own === undefined ? [] : [{ category: 'receipts', channel, optIn: own }],
      })
      const rules = category({ mandatory, optInDefault: byDefault })
      assert.equal(
        optedIn(person, rules, channel),
        passes,
        JSON.stringify({ mandatory, channelSwitch, own, byDefault }),
      )
    }
  })

  test('for one channel or category say nothing about another', () => {
    const person = profile({
      channelOptIns: { email: false },
      categoryOptIns: [{ category: 'offers', channel: 'sms', optIn: false }],
    })
    assert.equal(optedIn(person, category(), 'sms'), true)
  })
})
