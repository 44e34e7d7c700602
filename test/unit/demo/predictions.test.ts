import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { deliveryIdOf } from '../../../src/domain/identity.ts'
import {
  comparePredictions,
  predictedOutcomes,
  predictions,
  waits,
  type Outcome,
  type PublishedEvent,
} from '../../../src/local/demo/predictions.ts'
import { reportText } from '../../../src/local/demo/report.ts'
import type {
  Evidence,
  LoggedDelivery,
  LoggedNotification,
  ProviderCall,
  PublishedStatus,
} from '../../../src/local/reconciliation/evidence.ts'
import { reconcile } from '../../../src/local/reconciliation/reconcile.ts'

const createdAt = 1_000
const sendAt = 9_000
const predicted = Object.fromEntries(predictedOutcomes.map((outcome) => [outcome, 1])) as Record<Outcome, number>

interface Told extends Evidence {
  calls: ProviderCall[]
  notifications: LoggedNotification[]
  deliveries: LoggedDelivery[]
  statuses: PublishedStatus[]
}

const published = predictedOutcomes.map((outcome): PublishedEvent => ({
  notificationId: outcome,
  source: 'demo',
  createdAt,
  sendAt: outcome === 'scheduled' ? sendAt : null,
  outcome,
}))

/** Every outcome once, each just as it is predicted. */
function truth(): Told {
  const told: Told = { published, calls: [], notifications: [], deliveries: [], statuses: [], reports: [] }
  for (const event of published) tell(event, told)
  return told
}

function tell({ notificationId, source, outcome }: PublishedEvent, told: Told): void {
  if (outcome === null) return
  const deliveryId = deliveryIdOf(
    { createdAtMs: createdAt, source, notificationId, channel: 'email', deviceId: null },
    (input) => createHash('sha256').update(input).digest(),
  )
  const identity = { notificationId, source }
  const { statuses, calls } = predictions[outcome]
  for (const word of statuses) {
    const [status, reason = null] = word.split('/') as [PublishedStatus['status'], PublishedStatus['reason']?]
    const isSent = status === 'sent'
    told.statuses.push({
      ...identity,
      statusId: `${notificationId} ${word}`,
      deliveryId: isSent ? deliveryId : null,
      channel: isSent ? 'email' : null,
      status,
      reason,
      plannedDeliveries: status === 'routed' ? 1 : null,
      automatic: false,
    })
  }
  const [decision, reason = null] = predictions[outcome].row[0]!.split('/') as [
    LoggedNotification['decision'],
    LoggedNotification['reason']?,
  ]
  const deliveryIds = calls === 1 ? [deliveryId] : []
  told.notifications.push({ ...identity, decision, reason, suppressedChannels: [], deliveryIds })
  if (calls === 0) return
  const sent = { deliveryId, channel: 'email', provider: 'sendgrid', providerMessageId: deliveryId } as const
  told.deliveries.push({ ...sent, state: 'sent', reason: null, createdAtMs: createdAt, reported: [] })
  told.calls.push({ ...sent, sequence: told.calls.length + 1, verdict: 'accepted', receivedAtMs: sendAt })
}

function wrongTitles(told: Told, publishedEvents = published): string[] {
  return comparePredictions(predicted, publishedEvents, told)
    .filter(({ holds }) => !holds)
    .map(({ title }) => title)
}

function find<Item>(items: readonly Item[], among: (item: Item) => boolean): Item {
  const found = items.find(among)
  assert.ok(found !== undefined)
  return found
}

describe('the comparison with the script’s predictions', () => {
  test('holds where each party says of every event what is predicted, copies of statuses aside', () => {
    const told = truth()
    assert.deepEqual(wrongTitles(told), [])
    told.statuses.push({ ...told.statuses[0]! })
    const [deferred] = told.statuses.filter(({ notificationId }) => notificationId === 'scheduled')
    told.statuses.push({ ...deferred!, statusId: 'retrying', status: 'retrying', reason: 'throttled' })
    assert.deepEqual(wrongTitles(told), [])
  })

  test('fails for an event that nobody published', () => {
    for (const outcome of predictedOutcomes) {
      const others = published.filter((event) => event.outcome !== outcome)
      assert.deepEqual(wrongTitles(truth(), others), [predictions[outcome].title])
    }
  })

  test('fails for a status that is missing, and for one too many', () => {
    for (const { statusId, notificationId } of truth().statuses) {
      const told = truth()
      told.statuses = told.statuses.filter((status) => status.statusId !== statusId)
      assert.deepEqual(wrongTitles(told), [predictions[notificationId as Outcome].title])
    }
    const told = truth()
    const routed = find(told.statuses, ({ status }) => status === 'routed')
    told.statuses.push({ ...routed, statusId: 'more', notificationId: 'quiet' })
    assert.deepEqual(wrongTitles(told), [predictions.quiet.title])
  })

  test('fails for a row of another decision, reason, or state of its delivery', () => {
    for (const [index, { notificationId }] of truth().notifications.entries()) {
      const told = truth()
      told.notifications[index]!.reason = 'too_old'
      assert.deepEqual(wrongTitles(told), [predictions[notificationId as Outcome].title])
    }
    const told = truth()
    const row = find(told.notifications, ({ notificationId }) => notificationId === 'repeated')
    find(told.deliveries, ({ deliveryId }) => row.deliveryIds.includes(deliveryId)).state = 'routed'
    assert.deepEqual(wrongTitles(told), [predictions.repeated.title])
  })

  test('fails for a call too many, one that is missing, one that was refused, and one before its time', () => {
    const scheduled = (told: Told) => {
      const row = find(told.notifications, ({ notificationId }) => notificationId === 'scheduled')
      return find(told.calls, ({ deliveryId }) => row.deliveryIds.includes(deliveryId ?? ''))
    }
    const spoilt: ((told: Told) => void)[] = [
      (told) => told.calls.push({ ...scheduled(told), sequence: 99 }),
      (told) => told.calls.splice(told.calls.indexOf(scheduled(told)), 1),
      (told) => (scheduled(told).verdict = 'refused'),
      (told) => (scheduled(told).receivedAtMs = sendAt - 1),
    ]
    for (const spoil of spoilt) {
      const told = truth()
      spoil(told)
      assert.deepEqual(wrongTitles(told), [predictions.scheduled.title])
    }
  })

  test('finds the call for an event of which Postgres knows no delivery', () => {
    const told = truth()
    const [call] = told.calls
    const opted = {
      notificationId: 'opted_out',
      source: 'demo',
      channel: 'email',
      deviceId: null,
      createdAtMs: createdAt,
    }
    const deliveryId = deliveryIdOf(opted, (input) => createHash('sha256').update(input).digest())
    told.calls.push({ ...call!, sequence: 99, deliveryId })
    assert.deepEqual(wrongTitles(told), [predictions.opted_out.title])
  })

  test('is printed with the line that differs, and each number beside the predicted one', () => {
    const told = truth()
    const waiting = new Set(predictedOutcomes.filter(waits).map((outcome) => `demo/${outcome}`))
    const textOf = (evidence: Told) =>
      reportText(evidence, {
        ...reconcile(evidence, waiting),
        predictions: comparePredictions(predicted, published, evidence),
      })
    assert.match(textOf(told), /scheduled: .* 1 +1 +1 +1 +1 {2}equal/)
    assert.match(textOf(told), /All as predicted/)
    told.statuses = told.statuses.filter(({ notificationId }) => notificationId !== 'quiet')
    assert.match(textOf(told), /in quiet hours: waits .* 1 +0 +1 +0 +0 {2}DIFFERENT/)
    assert.match(
      textOf(told),
      /1 NOT AS PREDICTED\n {2}in quiet hours: waits: predicted 1; exactly so in status topic 0/,
    )
    assert.doesNotMatch(textOf(told), /All as predicted/)
  })
})
