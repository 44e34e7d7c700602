import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { funnelAgrees, loopText } from '../../../src/local/demo/loop-report.ts'
import {
  compareReactions,
  createReactors,
  eventFor,
  isAskedAgain,
  reactions,
  type ReactorMessages,
} from '../../../src/local/demo/reactions.ts'
import type {
  Evidence,
  LoggedDelivery,
  LoggedNotification,
  PublishedStatus,
} from '../../../src/local/reconciliation/evidence.ts'

interface Told extends Evidence {
  notifications: LoggedNotification[]
  deliveries: LoggedDelivery[]
  statuses: PublishedStatus[]
}

const firstUserId = 5_001
const reactors = createReactors(firstUserId)
const messages = reactors.map((reactor, index): ReactorMessages => ({
  ...reactor,
  first: { notificationId: `first ${index}`, source: 'people' },
  second: isAskedAgain(reactor) ? { notificationId: `second ${index}`, source: 'people' } : null,
}))

/** Everybody does just what is predicted. */
function truth(): Told {
  const told: Told = { published: [], calls: [], reports: [], notifications: [], deliveries: [], statuses: [] }
  for (const message of messages) tell(message, told)
  return told
}

function tell({ name, first, second }: ReactorMessages, told: Told): void {
  const deliveryId = `delivery of ${first.notificationId}`
  const [decision, state] = reactions[name].row
  const rest = { reason: null, suppressedChannels: [] }
  told.notifications.push({ ...first, decision, deliveryIds: [deliveryId], ...rest })
  const reported = ['delivered', 'opened', 'clicked', 'unsubscribed', 'bounced'] as const
  told.deliveries.push({
    deliveryId,
    channel: 'email',
    state,
    reason: null,
    provider: 'sendgrid',
    providerMessageId: deliveryId,
    createdAtMs: 0,
    reported: reported.filter((each) => each === state),
  })
  told.statuses.push(...reactions[name].statuses.map((word, index) => statusOf(word, first, index)))
  if (second === null) return
  told.statuses.push(...(reactions[name].second ?? []).map((word, index) => statusOf(word, second, index)))
}

function statusOf(word: string, message: { notificationId: string; source: string }, index: number): PublishedStatus {
  const [status, reason = null] = word.split('/') as [PublishedStatus['status'], PublishedStatus['reason']?]
  const statusId = `${message.notificationId} ${index}`
  const unset = { deliveryId: null, channel: null, plannedDeliveries: null, automatic: false }
  return { ...message, ...unset, statusId, status, reason }
}

function linesThatDiffer(evidence: Evidence): string[] {
  return compareReactions(messages, evidence)
    .filter(({ holds }) => !holds)
    .map(({ title }) => title)
}

function withoutStatus(evidence: Told, word: string): Told {
  const [status, reason = null] = word.split('/')
  const index = evidence.statuses.findIndex((each) => each.status === status && each.reason === reason)
  assert.notEqual(index, -1)
  evidence.statuses.splice(index, 1)
  return evidence
}

describe('the closed loop of the demo', () => {
  test('asks for one message of everybody, each with one way to be reached', () => {
    for (const [index, reactor] of reactors.entries()) {
      const { userId, email, phoneNumber, devices } = reactor.person
      assert.equal(userId, firstUserId + index)
      assert.equal(eventFor(reactor).userId, userId)
      assert.equal([email, phoneNumber, ...devices].filter((each) => each !== null).length, 1)
    }
  })

  test('has as many people as its table says, two of whom leave, one texts STOP and one loses a token', () => {
    const count = (name: string) => reactors.filter((each) => each.name === name).length
    assert.equal(count('leaves') + count('leaves_on_page'), 2)
    assert.equal(count('texts_stop'), 1)
    assert.equal(count('loses_token'), 1)
    for (const [name, { people }] of Object.entries(reactions)) assert.equal(count(name), people, name)
  })

  test('holds where everybody did what was predicted', () => {
    assert.deepEqual(linesThatDiffer(truth()), [])
  })

  const planted: Record<string, { plant(told: Told): void; differs: string }> = {
    'an open that was not told': { plant: (told) => withoutStatus(told, 'opened'), differs: reactions.opens.title },
    'a row that feedback did not reach': {
      plant: ({ deliveries }) => {
        const index = deliveries.findIndex(({ state }) => state === 'clicked')
        deliveries[index] = { ...deliveries[index]!, state: 'sent' }
      },
      differs: reactions.clicks.title,
    },
    'a second message that was not held back': {
      plant: ({ statuses }) => {
        const index = statuses.findIndex(({ reason }) => reason === 'opted_out')
        statuses[index] = { ...statuses[index]!, status: 'sent', reason: null }
      },
      differs: reactions.leaves.title,
    },
  }
  for (const [what, { plant, differs }] of Object.entries(planted)) {
    test(`finds ${what}`, () => {
      const told = truth()
      plant(told)
      assert.deepEqual(linesThatDiffer(told), [differs])
    })
  }

  test('takes the funnel for right only where every channel has what its rows say', () => {
    const told = truth()
    const zero = { sent: 0, delivered: 0, opened: 0, clicked: 0, unsubscribed: 0, bounced: 0 }
    const states = told.deliveries.map(({ state }) => state)
    const count = (state: string) => states.filter((each) => each === state).length
    const email = {
      channel: 'email',
      sent: states.filter((state) => state !== 'failed').length,
      delivered: count('delivered'),
      opened: count('opened'),
      clicked: count('clicked'),
      unsubscribed: count('unsubscribed'),
      bounced: count('bounced'),
    }
    const answers = (...funnel: (typeof email)[]) => ({ funnel, suppressions: [] })
    assert.equal(funnelAgrees(answers(email), told), true)
    assert.equal(funnelAgrees(answers({ ...email, opened: email.opened + 1 }), told), false)
    assert.equal(funnelAgrees(answers(email, { ...zero, channel: 'sms', sent: 1 }), told), false)
    assert.equal(funnelAgrees(answers(), told), false)
  })

  test('says in its report what differs', () => {
    const told = withoutStatus(truth(), 'opened')
    const text = loopText(compareReactions(messages, told), { funnel: [], suppressions: [] }, false)
    assert.match(text, /opens the mail.*DIFFERENT/)
    assert.match(text, /1 NOT AS PREDICTED/)
    assert.match(text, /DIFFERENT from the rows/)
  })
})
