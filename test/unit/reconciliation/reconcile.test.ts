import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DifferenceKind } from '../../../src/local/reconciliation/difference.ts'
import type {
  Evidence,
  LoggedDelivery,
  LoggedNotification,
  MadeReport,
  ProviderCall,
  PublishedStatus,
} from '../../../src/local/reconciliation/evidence.ts'
import { reconcile } from '../../../src/local/reconciliation/reconcile.ts'

/** The arrays of a test's evidence may be changed: that is how differences are planted. */
interface Agreeing extends Evidence {
  published: { notificationId: string; source: string }[]
  calls: ProviderCall[]
  notifications: LoggedNotification[]
  deliveries: LoggedDelivery[]
  statuses: PublishedStatus[]
  reports: MadeReport[]
}

/** Three notifications: one sent by SMS and refused by iOS, one suppressed on both channels, one failed at once. */
function agreeingEvidence(): Agreeing {
  return {
    published: ['n1', 'n2', 'n3'].map((notificationId) => ({ notificationId, source: 'shop' })),
    notifications: [
      aNotification({ notificationId: 'n1', decision: 'routed', deliveryIds: ['d1', 'd2'] }),
      aNotification({
        notificationId: 'n2',
        decision: 'suppressed',
        suppressedChannels: [
          { channel: 'sms', reason: 'opted_out' },
          { channel: 'push', reason: 'no_address' },
        ],
      }),
      aNotification({ notificationId: 'n3', decision: 'failed' }),
    ],
    deliveries: [
      aDelivery({ deliveryId: 'd1', channel: 'sms', state: 'sent', provider: 'twilio', providerMessageId: 'm1' }),
      aDelivery({ deliveryId: 'd2', channel: 'ios', state: 'failed', provider: 'apns' }),
    ],
    calls: [
      aCall({ sequence: 1, deliveryId: 'd1', channel: 'sms', provider: 'twilio', providerMessageId: 'm1' }),
      aCall({ sequence: 2, deliveryId: 'd2', channel: 'ios', provider: 'apns', verdict: 'refused' }),
    ],
    statuses: [
      aStatus({ statusId: 's1', notificationId: 'n1', status: 'routed', plannedDeliveries: 2 }),
      aStatus({ statusId: 's2', notificationId: 'n1', status: 'sent', deliveryId: 'd1', channel: 'sms' }),
      aStatus({ statusId: 's3', notificationId: 'n1', status: 'failed', deliveryId: 'd2', channel: 'ios' }),
      aStatus({ statusId: 's4', notificationId: 'n2', status: 'suppressed', channel: 'sms' }),
      aStatus({ statusId: 's5', notificationId: 'n2', status: 'suppressed', channel: 'push' }),
      aStatus({ statusId: 's6', notificationId: 'n3', status: 'failed' }),
    ],
    reports: [],
  }
}

function aNotification(
  given: Partial<LoggedNotification> & Pick<LoggedNotification, 'notificationId' | 'decision'>,
): LoggedNotification {
  return { source: 'shop', reason: null, suppressedChannels: [], deliveryIds: [], ...given }
}

function aDelivery(
  given: Partial<LoggedDelivery> & Pick<LoggedDelivery, 'deliveryId' | 'channel' | 'state'>,
): LoggedDelivery {
  return { reason: null, provider: null, providerMessageId: null, createdAtMs: 0, reported: [], ...given }
}

function aCall(given: Partial<ProviderCall> & Pick<ProviderCall, 'sequence' | 'channel' | 'provider'>): ProviderCall {
  return { deliveryId: null, verdict: 'accepted', providerMessageId: null, receivedAtMs: 0, ...given }
}

function aStatus(
  given: Partial<PublishedStatus> & Pick<PublishedStatus, 'statusId' | 'notificationId' | 'status'>,
): PublishedStatus {
  return {
    source: 'shop',
    deliveryId: null,
    channel: null,
    reason: null,
    plannedDeliveries: null,
    automatic: false,
    ...given,
  }
}

function without<Key extends string>(items: Record<Key, unknown>[], key: Key, value: unknown) {
  const index = items.findIndex((item) => item[key] === value)
  assert.notEqual(index, -1)
  items.splice(index, 1)
}

function change<Item extends object>(items: Item[], index: number, changes: Partial<Item>) {
  items[index] = { ...items[index]!, ...changes }
}

function clickIsReported({ deliveries, statuses, reports }: Agreeing): void {
  change(deliveries, 0, { state: 'clicked', reported: ['clicked'] })
  statuses.push(aStatus({ statusId: 's7', notificationId: 'n1', status: 'clicked', deliveryId: 'd1', channel: 'sms' }))
  reports.push({ kind: 'clicked', deliveryId: 'd1' })
}

describe('the reconciliation', () => {
  test('finds nothing where all agree, and counts what each party has', () => {
    const { differences, events, sentByChannel } = reconcile(agreeingEvidence())
    assert.deepEqual(differences, [])
    assert.deepEqual(events, { published: 3, postgres: 3, statusTopic: 3 })
    assert.deepEqual(sentByChannel.sms, { ledger: 1, postgres: 1, statusTopic: 1 })
    assert.deepEqual(sentByChannel.ios, { ledger: 0, postgres: 0, statusTopic: 0 })
  })

  test('takes what feedback reported after an acceptance for sent', () => {
    const evidence = agreeingEvidence()
    clickIsReported(evidence)
    const { differences, reports } = reconcile(evidence)
    assert.deepEqual(differences, [])
    const clicks = reports.find(({ kind }) => kind === 'clicked')
    assert.deepEqual(clicks, { kind: 'clicked', made: 1, postgres: 1, statusTopic: 1 })
  })

  const forgetting: Record<string, (evidence: Agreeing) => void> = {
    'that nobody made': ({ reports }) => without(reports, 'kind', 'clicked'),
    'that Postgres did not keep': ({ deliveries }) => change(deliveries, 0, { reported: [] }),
    'that the status topic does not tell': ({ statuses }) => without(statuses, 'statusId', 's7'),
    'that is told as a machine’s': ({ statuses }) => change(statuses, 6, { automatic: true }),
  }
  for (const [what, forget] of Object.entries(forgetting)) {
    test(`finds a report ${what}`, () => {
      const evidence = agreeingEvidence()
      clickIsReported(evidence)
      forget(evidence)
      assert.deepEqual(reconcile(evidence).differences, [{ kind: 'report', id: 'd1 clicked' }])
    })
  }

  test('leaves what a machine did out of what people did', () => {
    const evidence = agreeingEvidence()
    const opened = { statusId: 's7', notificationId: 'n1', status: 'opened', deliveryId: 'd1' } as const
    evidence.statuses.push(aStatus({ ...opened, channel: 'sms', automatic: true }))
    assert.deepEqual(reconcile(evidence).differences, [])
  })

  test('absorbs copies of a status, and counts them', () => {
    const evidence = agreeingEvidence()
    evidence.statuses.push({ ...evidence.statuses[1]! })
    const { differences, repeatedStatuses, sentByChannel } = reconcile(evidence)
    assert.deepEqual(differences, [])
    assert.equal(repeatedStatuses, 1)
    assert.equal(sentByChannel.sms.statusTopic, 1)
  })

  test('lets those wait who are expected to, if the status topic says that they do', () => {
    const evidence = agreeingEvidence()
    const waiting = new Set(['shop/n3'])
    change(evidence.notifications, 2, { decision: 'deferred' })
    change(evidence.statuses, 5, { status: 'deferred' })
    assert.deepEqual(reconcile(evidence, waiting).differences, [])
    assert.deepEqual(reconcile(evidence).differences, [{ kind: 'undecided', id: 'shop/n3' }])
    without(evidence.statuses, 'statusId', 's6')
    assert.deepEqual(reconcile(evidence, waiting).differences, [{ kind: 'decision_without_status', id: 'shop/n3' }])
  })

  const planted: Record<string, { plant: (evidence: Agreeing) => void; found: [DifferenceKind, string][] }> = {
    'a call that is missing in the ledger': {
      plant: ({ calls }) => without(calls, 'sequence', 1),
      found: [['sent_unaccepted', 'd1']],
    },
    'an acceptance that Postgres does not have': {
      plant: ({ deliveries }) => change(deliveries, 0, { state: 'failed', providerMessageId: null }),
      found: [
        ['accepted_unrecorded', 'd1'],
        ['state_without_status', 'd1 failed'],
        ['status_without_state', 'd1 sent'],
      ],
    },
    'an acceptance under another message id': {
      plant: ({ deliveries }) => change(deliveries, 0, { providerMessageId: 'm2' }),
      found: [
        ['sent_unaccepted', 'd1'],
        ['accepted_unrecorded', 'd1'],
      ],
    },
    'an acceptance of another channel': {
      plant: ({ deliveries }) => change(deliveries, 0, { channel: 'email' }),
      found: [
        ['sent_unaccepted', 'd1'],
        ['accepted_unrecorded', 'd1'],
      ],
    },
    'a sent that is missing on the status topic': {
      plant: ({ statuses }) => without(statuses, 'statusId', 's2'),
      found: [['state_without_status', 'd1 sent']],
    },
    'a failure that is missing on the status topic': {
      plant: ({ statuses }) => without(statuses, 'statusId', 's3'),
      found: [['state_without_status', 'd2 failed']],
    },
    'a sent on the status topic that nobody else knows': {
      plant: ({ statuses }) => change(statuses, 1, { deliveryId: 'd9' }),
      found: [
        ['state_without_status', 'd1 sent'],
        ['status_without_state', 'd9 sent'],
      ],
    },
    'a second call for the same delivery, accepted or not': {
      plant: ({ calls }) => calls.push(aCall({ ...calls[1]!, sequence: 3 })),
      found: [['called_twice', 'd2']],
    },
    'a second acceptance': {
      plant: ({ calls }) => calls.push(aCall({ ...calls[0]!, sequence: 3, providerMessageId: 'm2' })),
      found: [
        ['accepted_unrecorded', 'd1'],
        ['called_twice', 'd1'],
      ],
    },
    'a delivery that is not final': {
      plant: ({ deliveries, statuses }) => {
        change(deliveries, 1, { state: 'claimed' })
        without(statuses, 'statusId', 's3')
      },
      found: [['not_final', 'd2']],
    },
    'an event that is not in Postgres': {
      plant: ({ published }) => published.push({ notificationId: 'n4', source: 'shop' }),
      found: [['not_logged', 'shop/n4']],
    },
    'the same id of another source': {
      plant: ({ published }) => change(published, 0, { source: 'other' }),
      found: [
        ['not_logged', 'other/n1'],
        ['not_published', 'shop/n1'],
      ],
    },
    'a notification that is logged twice': {
      plant: ({ notifications }) => notifications.push({ ...notifications[2]! }),
      found: [['logged_twice', 'shop/n3']],
    },
    'a notification that still waits': {
      plant: ({ notifications }) => change(notifications, 2, { decision: 'deferred' }),
      found: [['undecided', 'shop/n3']],
    },
    'a decision that is missing on the status topic': {
      plant: ({ statuses }) => without(statuses, 'statusId', 's6'),
      found: [['decision_without_status', 'shop/n3']],
    },
    'a suppressed channel that is missing on the status topic': {
      plant: ({ statuses }) => without(statuses, 'statusId', 's5'),
      found: [['decision_without_status', 'shop/n2']],
    },
    'another decision on the status topic': {
      plant: ({ statuses }) => change(statuses, 5, { status: 'expired' }),
      found: [
        ['decision_without_status', 'shop/n3'],
        ['status_without_decision', 'shop/n3'],
      ],
    },
    'a suppressed channel that Postgres does not have': {
      plant: ({ notifications }) => change(notifications, 1, { suppressedChannels: [] }),
      found: [['status_without_decision', 'shop/n2']],
    },
    'a decision about a notification that nobody logged': {
      plant: ({ statuses }) =>
        statuses.push(aStatus({ statusId: 's7', notificationId: 'n9', status: 'routed', plannedDeliveries: 0 })),
      found: [['status_without_decision', 'shop/n9']],
    },
    'another number of deliveries than announced': {
      plant: ({ statuses }) => change(statuses, 0, { plannedDeliveries: 3 }),
      found: [['planned_otherwise', 'shop/n1']],
    },
  }
  for (const [what, { plant, found }] of Object.entries(planted)) {
    test(`finds ${what}`, () => {
      const evidence = agreeingEvidence()
      plant(evidence)
      assert.deepEqual(
        reconcile(evidence).differences.map(({ kind, id }) => [kind, id]),
        found,
      )
    })
  }
})
