import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { channels } from '../../../src/domain/channel.ts'
import { deliveryStates, type DeliveryState } from '../../../src/domain/delivery-state.ts'
import { effectOf, type FeedbackAction, type ReportedDelivery } from '../../../src/domain/feedback-effect.ts'
import { feedbackKinds, type ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import { deliveryStatus } from '../../../src/domain/status-record.ts'
import { aFeedback } from '../../support/builders/records.ts'
import { storedDelivery } from '../../support/builders/stored-delivery.ts'

const sha1 = (input: Uint8Array) => createHash('sha1').update(input).digest()
const hashAddress = (channel: string, address: string) => Buffer.from(`${channel} ${address}`)
const reportedHash = Buffer.from('as it was reported')

const delivery = (choices: Partial<ReportedDelivery> = {}): ReportedDelivery => ({
  ...storedDelivery({ state: 'sent', hop: 2, attempt: 1, reason: null, channel: 'email' }),
  address: 'person@example.com',
  ...choices,
})
const feedback = (choices: Partial<ProviderFeedback> = {}) =>
  aFeedback({ deliveryId: delivery().deliveryId, addressHash: reportedHash, ...choices })

const effects = (report: Partial<ProviderFeedback>, row: ReportedDelivery | undefined = delivery()) =>
  effectOf(feedback(report), row, { sha1, hashAddress })
const ofKind = <Kind extends FeedbackAction['kind']>(kind: Kind, actions: readonly FeedbackAction[]) =>
  actions.filter((action): action is Extract<FeedbackAction, { kind: Kind }> => action.kind === kind)
const statuses = (actions: readonly FeedbackAction[]) => ofKind('status', actions).map(({ status }) => status)
const others = (actions: readonly FeedbackAction[]) =>
  actions.filter(({ kind }) => kind !== 'status' && kind !== 'report')

describe('a report about a delivery', () => {
  const expected = {
    delivered: { status: 'delivered', state: 'delivered', at: 'deliveredAt' },
    bounced: { status: 'bounced', state: 'bounced', at: 'bouncedAt' },
    // The provider had accepted it: the row says that it did not arrive, the status in whose hands it failed.
    failed: { status: 'failed', state: 'bounced', at: 'bouncedAt' },
    opened: { status: 'opened', state: 'opened', at: 'openedAt' },
    clicked: { status: 'clicked', state: 'clicked', at: 'clickedAt' },
    unsubscribed: { status: 'unsubscribed', state: 'unsubscribed', at: 'unsubscribedAt' },
    complained: { status: 'unsubscribed', state: 'unsubscribed', at: 'unsubscribedAt' },
    stopped: null,
    restarted: null,
    invalid_address: null,
  } as const

  for (const kind of feedbackKinds) {
    const meaning = expected[kind]
    test(`that it ${kind} ${meaning === null ? 'tells nothing and moves nothing' : `is told as ${meaning.status}`}`, () => {
      const actions = effects({ kind, occurredAt: 17 })
      const [report] = ofKind('report', actions)
      assert.deepEqual(
        statuses(actions).map(({ status }) => status),
        meaning === null ? [] : [meaning.status],
      )
      assert.equal(report?.report.state, meaning?.state)
      if (meaning !== null) assert.equal(report?.report[meaning.at], 17)
    })
  }

  test('has the status of its delivery, with the provider, the attempt, the link and whose doing it was', () => {
    const [status] = statuses(effects({ kind: 'clicked', linkId: '3', automatic: true, occurredAt: 17 }))
    const { deliveryId, notificationId, templateId, createdAt } = delivery()
    assert.deepEqual(
      { ...status, statusId: '' },
      {
        ...deliveryStatus(
          delivery(),
          { status: 'clicked', reason: null, hop: 0, attempt: 1, provider: 'sendgrid', segments: null, occurredAt: 17 },
          sha1,
        ),
        statusId: '',
        deliveryId,
        notificationId,
        templateId,
        createdAt,
        linkId: '3',
        automatic: true,
      },
    )
  })

  test('is one status however often it comes, and whatever became of the row meanwhile', () => {
    const idOf = (report: Partial<ProviderFeedback>, row?: ReportedDelivery) =>
      statuses(effects(report, row)).at(-1)?.statusId
    const id = idOf({ feedbackId: 'one' })
    assert.equal(idOf({ feedbackId: 'one', occurredAt: 99 }, delivery({ state: 'opened', hop: 7, attempt: 4 })), id)
    assert.equal(idOf({ feedbackId: 'one' }, delivery({ state: 'claimed', hop: 1 })), id)
    assert.notEqual(idOf({ feedbackId: 'two' }), id)
    assert.notEqual(idOf({ feedbackId: 'one', kind: 'opened' }), id)
  })

  test('gives its reason where it is one of a failure', () => {
    const reasonOf = (report: Partial<ProviderFeedback>) => statuses(effects(report))[0]?.reason
    assert.equal(reasonOf({ kind: 'bounced', reason: 'invalid_address' }), 'invalid_address')
    assert.equal(reasonOf({ kind: 'failed', reason: 'content_refused' }), 'content_refused')
    assert.equal(reasonOf({ kind: 'delivered', reason: 'refused' }), null)
    assert.equal(reasonOf({ kind: 'complained' }), 'recipient_opted_out')
  })

  test('proves the acceptance: where nobody has told it, it is told first, under the sender’s own id', () => {
    for (const state of deliveryStates) {
      const row = delivery({ state, hop: 3, attempt: 1 })
      const told = statuses(effects({ kind: 'delivered' }, row))
      const isAccepted = deliveryStates.indexOf(state) >= deliveryStates.indexOf('sent')
      assert.deepEqual(
        told.map(({ status }) => status),
        isAccepted ? ['delivered'] : ['sent', 'delivered'],
        state,
      )
      if (isAccepted) continue
      const step = { status: 'sent', reason: null, hop: 3, provider: 'sendgrid', segments: null } as const
      const bySender = deliveryStatus(row, { ...step, attempt: 1, occurredAt: 0 }, sha1)
      assert.equal(told[0]?.statusId, bySender.statusId, state)
      assert.equal(told[0]?.attempt, state === 'claimed' ? 2 : 1)
    }
  })

  test('that a machine made is told as such and moves the row no further than accepted', () => {
    for (const kind of ['opened', 'clicked'] as const) {
      const actions = effects({ kind, automatic: true })
      assert.equal(statuses(actions)[0]?.automatic, true)
      const { state, openedAt, clickedAt } = ofKind('report', actions)[0]!.report
      assert.deepEqual([state, openedAt, clickedAt], ['sent', null, null])
    }
  })
})

describe('a report about a delivery that nobody knows', () => {
  test('is told as an orphan with the little that is known, once', () => {
    const orphan = (choices: Partial<ProviderFeedback> = {}) =>
      statuses(effectOf(feedback({ occurredAt: 17, ...choices }), undefined, { sha1, hashAddress }))
    const [status, ...more] = orphan()
    assert.deepEqual(more, [])
    const { deliveryId } = delivery()
    assert.deepEqual(
      [status?.deliveryId, status?.status, status?.reason, status?.provider, status?.channel, status?.occurredAt],
      [deliveryId, 'delivered', 'orphan', 'sendgrid', 'email', 17],
    )
    assert.deepEqual([status?.notificationId, status?.source, status?.userId, status?.category], ['', '', 0, ''])
    assert.equal(orphan()[0]?.statusId, status?.statusId)
    assert.notEqual(orphan({ feedbackId: 'another' })[0]?.statusId, status?.statusId)
  })

  test('moves no row, and suppresses the address all the same', () => {
    const actions = effectOf(feedback({ kind: 'complained' }), undefined, { sha1, hashAddress })
    assert.deepEqual(ofKind('report', actions), [])
    assert.deepEqual(ofKind('suppress', actions)[0]?.suppression.addressHash, reportedHash)
  })
})

describe('what a report costs an address', () => {
  const causeOf = (report: Partial<ProviderFeedback>, row?: ReportedDelivery) =>
    ofKind('suppress', effects(report, row)).map(({ suppression: { channel, scope, cause } }) => [
      channel,
      scope,
      cause,
    ])

  test('a hard bounce and a complaint suppress it for every category', () => {
    assert.deepEqual(causeOf({ kind: 'bounced', permanent: true }), [['email', 'all', 'hard_bounce']])
    assert.deepEqual(causeOf({ kind: 'failed', permanent: true }), [['email', 'all', 'hard_bounce']])
    assert.deepEqual(causeOf({ kind: 'complained' }), [['email', 'all', 'complaint']])
  })

  test('is the address that the message went to, whatever address was reported', () => {
    const [suppress] = ofKind('suppress', effects({ kind: 'complained', occurredAt: 17 }))
    assert.deepEqual(suppress?.suppression.addressHash, hashAddress('email', 'person@example.com'))
    assert.equal(suppress?.suppression.sinceMs, 17)
  })

  test('a soft bounce is only noted, and one that says nothing of the address not even that', () => {
    const soft = effects({ kind: 'bounced', permanent: false, feedbackId: 'soft', occurredAt: 17 })
    assert.deepEqual(others(soft), [
      {
        kind: 'soft_bounce',
        channel: 'email',
        addressHash: hashAddress('email', 'person@example.com'),
        feedbackId: 'soft',
        occurredAtMs: 17,
      },
    ])
    assert.deepEqual(others(effects({ kind: 'bounced', permanent: null })), [])
    for (const kind of ['delivered', 'opened', 'clicked'] as const) {
      assert.deepEqual(others(effects({ kind, permanent: true })), [])
    }
  })

  test('a provider’s own list of people who left is ours too: STOP for texts, unsubscribed for mail', () => {
    const refused = { kind: 'failed', permanent: true, reason: 'recipient_opted_out' } as const
    assert.deepEqual(causeOf(refused, delivery({ channel: 'sms' })), [['sms', 'all', 'stop']])
    assert.deepEqual(causeOf(refused), [['email', 'all', 'unsubscribed']])
  })

  test('STOP suppresses texts, and START takes back that and nothing else', () => {
    const text = { deliveryId: null, channel: 'sms', occurredAt: 17 } as const
    const inbound = (kind: 'stopped' | 'restarted') =>
      effectOf(feedback({ ...text, kind }), undefined, { sha1, hashAddress })
    const about = { channel: 'sms', addressHash: reportedHash } as const
    assert.deepEqual(inbound('stopped'), [
      { kind: 'suppress', suppression: { ...about, scope: 'all', cause: 'stop', sinceMs: 17 } },
    ])
    assert.deepEqual(inbound('restarted'), [{ kind: 'lift', ...about, untilMs: 17 }])
  })

  test('a dead token is the device’s, since when the provider knew it, and never since a moment to come', () => {
    const dead = (report: Partial<ProviderFeedback>) =>
      others(effects({ kind: 'invalid_address', occurredAt: 17, ...report }, push))
    const push = delivery({ channel: 'ios', address: 'token', userId: 42 })
    const device = { kind: 'invalidate_device', userId: 42, token: 'token' } as const
    assert.deepEqual(dead({ invalidSince: 5 }), [{ ...device, sinceMs: 5 }])
    assert.deepEqual(dead({ invalidSince: null }), [{ ...device, sinceMs: 17 }])
    assert.deepEqual(dead({ invalidSince: 99 }), [{ ...device, sinceMs: 17 }])
  })

  test('an address or number that is none is suppressed', () => {
    const invalid = { kind: 'invalid_address', reason: 'invalid_address' } as const
    assert.deepEqual(causeOf(invalid), [['email', 'all', 'invalid_address']])
    assert.deepEqual(causeOf(invalid, delivery({ channel: 'sms' })), [['sms', 'all', 'invalid_address']])
  })
})

describe('somebody who left', () => {
  test('at the provider has it in their own settings: of the category, or of all that can be left', () => {
    for (const category of ['offers', null]) {
      const left = others(effects({ kind: 'unsubscribed', category }, delivery({ userId: 42 })))
      assert.deepEqual(left, [{ kind: 'opt_out', userId: 42, channel: 'email', category }])
    }
  })

  test('through the edge has it there already: the report changes nothing more', () => {
    const actions = effects({ kind: 'unsubscribed', provider: null, category: 'offers' })
    assert.deepEqual(others(actions), [])
    assert.deepEqual(
      statuses(actions).map(({ status }) => status),
      ['unsubscribed'],
    )
  })

  test('and is not known is suppressed by the address, in that scope', () => {
    for (const category of ['offers', null]) {
      const actions = effectOf(feedback({ kind: 'unsubscribed', category }), undefined, { sha1, hashAddress })
      const [suppress] = ofKind('suppress', actions)
      assert.deepEqual([suppress?.suppression.scope, suppress?.suppression.cause], [category ?? 'all', 'unsubscribed'])
    }
  })
})

test('whatever is reported of whatever row, no effect names an address', () => {
  for (const kind of feedbackKinds) {
    for (const channel of channels) {
      for (const state of ['claimed', 'sent', 'clicked'] satisfies DeliveryState[]) {
        const actions = effects({ kind, permanent: true }, delivery({ channel, state }))
        const told = actions.filter((action) => action.kind !== 'invalidate_device')
        assert.doesNotMatch(JSON.stringify(told), /person@example/)
      }
    }
  }
})
