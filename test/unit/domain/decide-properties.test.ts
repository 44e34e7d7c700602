/**
 * What holds of every decision, whatever the person, the category, the template and the hour.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Category } from '../../../src/domain/category.ts'
import { requestChannelOf, requestChannels, type RequestChannel } from '../../../src/domain/channel.ts'
import { decide, type DecisionInput } from '../../../src/domain/decide.ts'
import type { RoutingDecision } from '../../../src/domain/notification-log.ts'
import type { Profile } from '../../../src/domain/profile.ts'
import { category, nowMs, profile, request, template } from '../../support/builders/requests.ts'

/** Half hours: asking a zone takes long, and answers are remembered. */
const minute = fc.integer({ min: 0, max: 47 }).map((half) => half * 30)
const hours = fc.option(fc.record({ fromMinute: minute, untilMinute: minute }))
const someChannels = fc.subarray([...requestChannels], { minLength: 1 })

const somePeople: fc.Arbitrary<Profile> = fc
  .record({
    email: fc.constantFrom('ada@example.com', 'no address', null),
    phoneNumber: fc.constantFrom('+14155552671', '+821012345678', '12', null),
    timeZone: fc.constantFrom('Asia/Seoul', 'Australia/Lord_Howe', 'Mars/Olympus', null),
    locale: fc.constantFrom('ko-KR', 'en', 'xx', null),
    platforms: fc.array(fc.constantFrom('ios' as const, 'android' as const), { maxLength: 3 }),
    channelOptIns: fc.dictionary(fc.constantFrom(...requestChannels), fc.boolean(), { noNullPrototype: true }),
    categoryOptIns: fc.uniqueArray(
      fc.record({
        category: fc.constantFrom('receipts', 'offers'),
        channel: fc.constantFrom(...requestChannels),
        optIn: fc.boolean(),
      }),
      { selector: (own) => `${own.category} ${own.channel}` },
    ),
    quiet: hours,
  })
  .map(({ platforms, quiet, ...choices }) =>
    profile({
      ...choices,
      devices: platforms.map((platform, at) => ({ deviceId: `d${at}`, platform, token: `a${at}` })),
      quietFromMinute: quiet?.fromMinute ?? null,
      quietUntilMinute: quiet?.untilMinute ?? null,
    }),
  )

const someCategories: fc.Arbitrary<Category> = fc
  .record({
    mandatory: fc.boolean(),
    optInDefault: fc.boolean(),
    quietHoursPolicy: fc.constantFrom('defer', 'ignore'),
    sendWindow: hours,
    channels: someChannels,
    timeToLiveSeconds: fc.constantFrom(600, 86_400),
  })
  .map((choices) => category(choices))

/** What each channel's content needs; undefined: it has none. */
const someTemplates = fc
  .record({
    push: fc.option(fc.subarray(['item_name', 'total']), { nil: undefined }),
    sms: fc.option(fc.subarray(['item_name', 'total']), { nil: undefined }),
    email: fc.option(fc.constant([]), { nil: undefined }),
  })
  .map((needs) => {
    const contentsOf = requestChannels.flatMap((channel) => {
      const variables = needs[channel]
      return variables === undefined ? [] : [[channel, [{ locale: 'en', variables }]] as const]
    })
    return template({ contentsOf: Object.fromEntries(contentsOf) })
  })

const addresses = ['ada@example.com', '+14155552671', '+821012345678', 'a0', 'a1', 'a2']

interface Case extends Pick<DecisionInput, 'channels'> {
  person: Profile
  category: Category
  input: DecisionInput
  suppressed: readonly string[]
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    person: somePeople,
    category: someCategories,
    template: someTemplates,
    channels: fc.option(someChannels),
    suppressed: fc.subarray(addresses),
    laterMs: fc.integer({ min: 0, max: 86_400_000 }),
    hasSendAt: fc.boolean(),
  })
  .map(({ person, category: own, template: published, channels, suppressed, laterMs, hasSendAt }) => ({
    person,
    category: own,
    channels,
    suppressed,
    input: {
      event: request({ createdAt: nowMs + laterMs - 1_000, sendAt: hasSendAt ? nowMs : null }),
      channels,
      profile: person,
      category: own,
      template: published,
      nowMs: nowMs + laterMs,
      defaultZone: 'UTC',
      isSuppressed: (_channel: RequestChannel, address: string) => suppressed.includes(address),
      deliveryId: (channel: string, deviceId: string | null) => `${channel}:${deviceId ?? ''}`,
    },
  }))

function holds(property: (given: Case, decision: RoutingDecision) => void): void {
  fc.assert(
    fc.property(cases, (given) => property(given, decide(given.input))),
    { numRuns: 1_000 },
  )
}

const reached = ({ deliveries }: RoutingDecision) => deliveries.map(({ channel, address }) => `${channel} ${address}`)

describe('every decision', () => {
  test('routes to no suppressed address, mandatory or not', () => {
    let routed = 0
    holds(({ suppressed }, { deliveries }) => {
      routed += deliveries.length
      assert.ok(deliveries.every(({ address }) => !suppressed.includes(address)))
    })
    assert.ok(routed > 100, 'so few routes prove nothing')
  })

  test('is the same for a mandatory category whatever the person chose', () => {
    holds(({ input, person, category: own }) => {
      const mandatory = { ...own, mandatory: true }
      const whoChoseNothing = {
        ...person,
        channelOptIns: {},
        categoryOptIns: [],
        quietFromMinute: null,
        quietUntilMinute: null,
      }
      assert.deepEqual(
        decide({ ...input, category: mandatory }),
        decide({
          ...input,
          category: { ...mandatory, sendWindow: null, optInDefault: true },
          profile: whoChoseNothing,
        }),
      )
    })
  })

  test('reaches nobody more for one opt-out more', () => {
    holds(({ input, person, category: own }, decision) => {
      const before = new Set(reached(decision))
      for (const channel of requestChannels) {
        const further = [
          { ...person, channelOptIns: { ...person.channelOptIns, [channel]: false } },
          {
            ...person,
            categoryOptIns: [
              ...person.categoryOptIns.filter((each) => each.category !== own.name || each.channel !== channel),
              { category: own.name, channel, optIn: false },
            ],
          },
        ]
        for (const optedOut of further) {
          const after = decide({ ...input, profile: optedOut })
          if (own.mandatory) assert.deepEqual(after, decision)
          // A missing variable of the channel that was left may have failed the whole event before.
          else if (decision.detail === null) assert.ok(reached(after).every((address) => before.has(address)))
          assert.ok(
            own.mandatory || after.deliveries.every((delivery) => requestChannelOf(delivery.channel) !== channel),
          )
        }
      }
    })
  })

  test('says one thing about every channel and address', () => {
    holds(({ channels, category: own, person, suppressed }, decision) => {
      const asked = channels ?? own.channels
      assert.equal(new Set(reached(decision)).size, decision.deliveries.length)
      assert.ok(decision.deliveries.every(({ channel }) => asked.includes(requestChannelOf(channel))))
      if (decision.kind !== 'routed' && decision.kind !== 'suppressed') {
        assert.deepEqual([decision.deliveries, decision.suppressedChannels], [[], []])
        return
      }
      assert.equal(decision.deliveries.length > 0, decision.kind === 'routed')
      for (const channel of asked) {
        const words = decision.suppressedChannels.filter((each) => each.channel === channel)
        const addressed = decision.deliveries.filter((each) => requestChannelOf(each.channel) === channel)
        assert.ok(words.length <= 1)
        if (addressed.length === 0) assert.equal(words.length, 1)
        else {
          // Beside deliveries only this can be said, and it is said when it is true.
          const isPartial = channel === 'push' && person.devices.some(({ token }) => suppressed.includes(token))
          assert.deepEqual(words, isPartial ? [{ channel, reason: 'address_suppressed' }] : [])
        }
      }
    })
  })
})
