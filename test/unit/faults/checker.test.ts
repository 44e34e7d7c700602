import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { check } from '../../faults/checker/check.ts'
import { packageOf, readSourceTree } from '../house-rules/source-tree.ts'
import { aCall, aCleanRun, anEvent, aReportedRun, aStatus, calledAt, type Planted } from './clean-run.ts'

/** What each planted fault has to be reported as: the rule, and nothing else. */
const faults: Record<string, [rule: string, plant: (run: Planted) => void]> = {
  'an event that nobody says anything about': [
    'lost: an event without any status',
    (run) => run.requests.push(anEvent({ notificationId: 'silent', offset: '5' })),
  ],
  'a routing that planned more than there is': [
    'lost: fewer rows than deliveries planned',
    (run) => (run.statuses[0]!.plannedDeliveries = 4),
  ],
  'a suppression that leaves a channel open': [
    'lost: a channel without an end',
    (run) => (run.requests[1]!.channels = ['email', 'sms']),
  ],
  'a device that was left out': [
    'lost: an address without a delivery',
    (run) =>
      (run.people[0] = { userId: 1, addresses: { ...run.people[0]!.addresses, ios: ['address of d-ios', 'x'] } }),
  ],
  'poison that vanished': ['lost: poison without a dead letter', (run) => void run.deadLetters.pop()],
  'poison that was not kept as it was': [
    'lost: a dead letter with other bytes than its source',
    (run) => (run.deadLetters[0]!.value = Uint8Array.of(1, 2)),
  ],
  'an end that was not published': [
    'lost: an end that the status topic does not tell',
    (run) => run.statuses.splice(1, 1),
  ],
  'a delivery that no provider has': ['lost: sent, and no provider has it', (run) => run.calls.splice(0, 1)],
  'a call for nothing': [
    'lost: an accepted call without a row',
    (run) => run.calls.push(aCall({ deliveryId: 'd-none', channel: 'sms', sequence: 4 })),
  ],
  'an acceptance that was taken for a failure': [
    'lost: an accepted call that is not sent',
    (run) => {
      run.deliveries[0]!.state = 'failed'
      run.statuses[1]!.status = 'failed'
    },
  ],
  'a good record among the dead letters': [
    'lost: a dead letter that nothing asked for',
    (run) => {
      const { topic, partition } = run.requests[0]!
      run.deadLetters.push({
        ...run.deadLetters[0]!,
        reason: 'internal_error',
        original: { topic, partition, offset: '0' },
      })
    },
  ],
  'a second call that nothing explains': [
    'duplicated: called again without having been declared ambiguous',
    (run) => {
      run.calls.push(aCall({ deliveryId: 'd-sms', channel: 'sms', sequence: 4, providerMessageId: 'again' }))
      run.schedule.kills = [{ role: 'sender', atMs: calledAt, inFlight: 1 }]
    },
  ],
  'a second call against the policy': [
    'duplicated: called again although the policy is to hold',
    (run) => {
      run.calls.push(aCall({ deliveryId: 'd-sms', channel: 'sms', sequence: 4, providerMessageId: 'again' }))
      run.statuses.push(aStatus({ notificationId: 'sent', status: 'unknown', deliveryId: 'd-sms', channel: 'sms' }))
      run.deliveries[0]!.unknownPolicy = 'hold'
      run.schedule.lostAnswers = 1
    },
  ],
  'a call before its event': ['early: called before the event', (run) => (run.deliveries[0]!.createdAt = calledAt + 1)],
  'a call before the moment that was asked for': [
    'early: called before sendAt',
    (run) => {
      run.requests[0]!.sendAt = calledAt + 1
      run.calls.splice(1)
      run.deliveries.splice(1)
      run.notifications[0]!.deliveryIds = ['d-sms']
      run.requests[0]!.channels = ['sms']
      run.statuses = run.statuses.filter(({ deliveryId }) => deliveryId === null || deliveryId === 'd-sms')
      run.statuses[0]!.plannedDeliveries = 1
    },
  ],
  'a call after expiry': ['early: called after expiry', (run) => (run.deliveries[0]!.expiresAt = calledAt - 5_001)],
  'a call that did not wait for its retry': [
    'early: called inside the wait of a retry',
    (run) => run.retries.push({ deliveryId: 'd-sms', hop: 2, publishedAt: calledAt - 1, dueAt: calledAt + 1 }),
  ],
  'a call that did not wait for its retry after a doubt': [
    'early: called inside the wait of a retry',
    (run) => {
      run.calls.push(aCall({ deliveryId: 'd-sms', channel: 'sms', sequence: 4, providerMessageId: 'again' }))
      run.statuses.push(aStatus({ notificationId: 'sent', status: 'unknown', deliveryId: 'd-sms', channel: 'sms' }))
      run.schedule.lostAnswers = 1
      run.retries.push({ deliveryId: 'd-sms', hop: 2, publishedAt: calledAt - 1, dueAt: calledAt + 1 })
    },
  ],
  'a delivery that stays on its way': [
    'stuck: a delivery without an end',
    (run) => {
      run.deliveries[0]!.state = 'retrying'
      run.statuses.splice(1, 1)
      run.calls.splice(0, 1)
    },
  ],
  'a delivery that is held against its policy': [
    'stuck: held although the policy is to send again',
    (run) => {
      run.deliveries[0]!.state = 'unknown'
      run.statuses[1]!.status = 'unknown'
    },
  ],
  'a deferral that nothing ends': [
    'stuck: deferred, and nothing brings it back',
    (run) => (run.notifications[2]!.decision = 'deferred'),
  ],
  'a deferral whose time has passed': [
    'stuck: due, and not picked up',
    (run) => {
      run.notifications[2]!.decision = 'deferred'
      run.scheduled.push({ notificationId: 'failed', source: 'shop', dueAt: calledAt - 60_000 })
      run.schedule.endedAtMs = calledAt + 1
    },
  ],
  'records that nobody settled': ['stuck: records that no member settled', (run) => (run.positions[0]!.committed = 9n)],
  'a group that never committed': [
    'stuck: records that no member settled',
    (run) => (run.positions[0]!.committed = -1n),
  ],
  'a status id that is used twice': [
    'contradictory: one status id with two meanings',
    (run) => run.statuses.push({ ...run.statuses[5]!, reason: 'too_old' }),
  ],
  'a notification that is routed twice': [
    'contradictory: routed twice',
    (run) => run.statuses.push({ ...run.statuses[0]!, statusId: 'another' }),
  ],
  'a notification that is routed and failed': [
    'contradictory: routed and ended',
    (run) => run.statuses.push(aStatus({ notificationId: 'sent', status: 'failed', reason: 'too_old' })),
  ],
  'more deliveries than were announced': [
    'contradictory: more rows than deliveries planned',
    (run) => (run.statuses[0]!.plannedDeliveries = 2),
  ],
  'a log that names other deliveries': [
    'contradictory: the log names other deliveries than there are',
    (run) => (run.notifications[0]!.deliveryIds = ['d-sms', 'd-ios', 'd-other']),
  ],
  'an event that was taken for its own repeat': [
    'contradictory: a duplicate of itself',
    (run) => run.requests.splice(3, 1),
  ],
  'a delivery with two ends': [
    'contradictory: ends that exclude each other',
    (run) =>
      run.statuses.push(
        aStatus({
          notificationId: 'sent',
          status: 'expired',
          deliveryId: 'd-sms',
          channel: 'sms',
          occurredAt: calledAt - 1,
        }),
      ),
  ],
  'an end that the row does not have': [
    'contradictory: an end on the status topic that the row does not have',
    (run) => (run.deliveries[0]!.state = 'claimed'),
  ],
  'a message id that nobody gave': [
    'contradictory: another message id than the provider gave',
    (run) => (run.deliveries[0]!.providerMessageId = 'invented'),
  ],
  'a status for a delivery that is not there': [
    'contradictory: a status of a delivery that has no row',
    (run) => run.statuses.push(aStatus({ notificationId: 'sent', status: 'sent', deliveryId: 'd-none' })),
  ],
  'a row for what nobody asked': [
    'contradictory: a row for what nobody asked',
    (run) => run.notifications.push({ notificationId: 'x', source: 'shop', decision: 'failed', deliveryIds: [] }),
  ],
  'a call to somebody who is not to be told': [
    'contradictory: called although suppressed',
    (run) => {
      run.deliveries[0]!.state = 'suppressed'
      run.statuses[1]!.status = 'suppressed'
      run.calls[0]!.verdict = 'refused'
    },
  ],
  'a call on a channel that is paused': [
    'contradictory: called although its channel was paused',
    (run) => (run.schedule.pauses = [{ channel: 'sms', fromMs: calledAt - 1, untilMs: calledAt + 1 }]),
  ],
  'a call on another channel': ['contradictory: called on another channel', (run) => (run.calls[0]!.channel = 'email')],
  'a committed offset that goes back': [
    'contradictory: a committed offset that went back',
    (run) => void run.commits.reverse(),
  ],
}

/** The same for a run about whose deliveries the providers reported. */
const misreports: Record<string, [rule: string, plant: (run: Planted) => void]> = {
  'a report that was taken and swallowed': [
    'lost: a report that was taken and is not told',
    (run) => void run.statuses.pop(),
  ],
  'a report that was told twice': [
    'contradictory: told more often than it was reported',
    (run) => run.statuses.push({ ...run.statuses.at(-1)!, statusId: 'another' }),
  ],
  'a row that a late report put back': [
    'contradictory: a row behind what is told of it',
    (run) => (run.deliveries[0]!.state = 'delivered'),
  ],
  'a row that a machine moved': [
    'contradictory: a row ahead of what is told of it',
    (run) => (run.statuses.at(-1)!.automatic = true),
  ],
  'a report that did not stop a delivery': [
    'contradictory: reported, and not accepted',
    (run) => {
      run.deliveries[0]!.state = 'retrying'
      run.calls.splice(0, 1)
      run.statuses = run.statuses.filter(({ status, deliveryId }) => status !== 'sent' || deliveryId !== 'd-sms')
    },
  ],
  'a report about nothing': [
    'contradictory: a report about a delivery that has no row',
    (run) => run.webhooks.push({ provider: 'twilio', event: 'delivered', deliveryId: 'd-none', takenAtMs: calledAt }),
  ],
  'a state that fell for a moment': [
    'contradictory: a state that went back',
    (run) => run.regressions.push({ deliveryId: 'd-sms', from: 'delivered', to: 'sent' }),
  ],
}

/** Faults that cannot come alone: what else has to be reported with them. */
const companions: Record<string, readonly string[]> = {
  'an end that the row does not have': ['lost: an accepted call that is not sent', 'stuck: a delivery without an end'],
  'a report that was taken and swallowed': ['contradictory: a row ahead of what is told of it'],
  'a report that did not stop a delivery': ['stuck: a delivery without an end'],
}

describe('the checker', () => {
  test('finds nothing where nothing is wrong', () => {
    const { details, ...report } = check(aCleanRun())
    assert.deepEqual(details, [])
    assert.equal(report.clean, true)
    assert.deepEqual([report.events, report.deliveries, report.calls], [3, 3, 3])
    assert.deepEqual(report.deadLetters, { not_avro: 1 })
    assert.deepEqual(check(aReportedRun()).details, [])
  })

  for (const [planted, aRun] of [
    [faults, aCleanRun],
    [misreports, aReportedRun],
  ] as const) {
    for (const [fault, [rule, plant]] of Object.entries(planted)) {
      test(`reports ${fault}`, () => {
        const run = aRun()
        plant(run)
        const report = check(run)
        assert.equal(report.clean, false)
        assert.deepEqual(Object.keys(report.rules).toSorted(), [rule, ...(companions[fault] ?? [])].toSorted())
      })
    }
  }
})

describe('the checker forgives', () => {
  const again = { deliveryId: 'd-sms', channel: 'sms', sequence: 4, providerMessageId: 'again' }
  const declared = aStatus({ notificationId: 'sent', status: 'unknown', deliveryId: 'd-sms', channel: 'sms' })

  function duplicated(schedule: Partial<Planted['schedule']>, call: { answeredAtMs?: number | null } = {}) {
    const run = aCleanRun()
    run.statuses.push(declared)
    run.calls.push(aCall({ ...again, ...call }))
    Object.assign(run.schedule, schedule)
    return check(run)
  }

  test('as many declared duplicates as were in flight when a sender died, and not one more', () => {
    const kill = { role: 'sender', atMs: calledAt, inFlight: 1 }
    assert.deepEqual(numbersOf(duplicated({ kills: [kill] })), { duplicated: 1, allowed: 1, clean: true })
    assert.deepEqual(numbersOf(duplicated({ kills: [{ ...kill, inFlight: 0 }] })), {
      duplicated: 1,
      allowed: 0,
      clean: false,
    })
  })

  test('a duplicate of a call whose answer came too late, or not at all, or was lost by the harness', () => {
    const late = { answeredAtMs: calledAt + 10_000 }
    for (const report of [
      duplicated({}, late),
      duplicated({}, { answeredAtMs: null }),
      duplicated({ lostAnswers: 1 }),
    ]) {
      assert.deepEqual(numbersOf(report), { duplicated: 1, allowed: 1, clean: true })
    }
  })

  test('a call that arrives after it was given up, in the wait that the doubt about it began', () => {
    const run = aCleanRun()
    run.statuses.push(declared)
    run.retries.push({ deliveryId: 'd-sms', hop: 2, publishedAt: calledAt - 1, dueAt: calledAt + 1 })
    assert.deepEqual(check(run).rules, {})
  })

  test('an acceptance that comes after the end that it overtakes', () => {
    const run = aCleanRun()
    const expired = { notificationId: 'sent', status: 'expired', deliveryId: 'd-sms', channel: 'sms' }
    run.statuses.push(aStatus({ ...expired, occurredAt: calledAt + 50 }))
    assert.deepEqual(check(run).rules, {})
  })

  test('an acceptance that was declared ambiguous and then given up', () => {
    const run = aCleanRun()
    run.deliveries[0]!.state = 'failed'
    run.statuses[1]!.status = 'failed'
    run.statuses.push(declared)
    assert.deepEqual(check(run).rules, {})
  })

  test('a report that is told although no answer told the provider that it was taken', () => {
    const run = aReportedRun()
    run.webhooks[0]!.takenAtMs = null
    assert.deepEqual(check(run).rules, {})
  })

  test('a call that another record of the same hop would have had to wait for', () => {
    const run = aCleanRun()
    const record = { deliveryId: 'd-sms', hop: 2 }
    run.retries.push({ ...record, publishedAt: calledAt - 20, dueAt: calledAt - 10 })
    run.retries.push({ ...record, publishedAt: calledAt - 5, dueAt: calledAt + 10_000 })
    run.retries.push({ ...record, hop: 1, publishedAt: calledAt - 5, dueAt: calledAt + 10_000 })
    assert.deepEqual(check(run).rules, {})
  })

  test('the dead letters and rewinds that the run provokes', () => {
    const run = aCleanRun()
    const { topic, partition } = run.requests[0]!
    run.requests.push(anEvent({ notificationId: 'forged', offset: '7' }))
    const original = { topic, partition, offset: '7' }
    run.deadLetters.push({ ...run.deadLetters[0]!, reason: 'bad_header', original })
    run.schedule.expectedDeadLetters = ['bad_header']
    run.commits.push({ ...run.commits[0]!, committedAt: calledAt + 3_000 })
    run.schedule.rewindsAtMs = [calledAt + 2_000]
    assert.deepEqual(check(run).rules, {})
  })

  test('a deferral that still has time', () => {
    const run = aCleanRun()
    run.requests.push(anEvent({ notificationId: 'later', offset: '8' }))
    run.statuses.push(aStatus({ notificationId: 'later', status: 'deferred', reason: 'quiet_hours' }))
    run.notifications.push({ notificationId: 'later', source: 'shop', decision: 'deferred', deliveryIds: [] })
    run.scheduled.push({ notificationId: 'later', source: 'shop', dueAt: calledAt + 3_600_000 })
    assert.deepEqual(check(run).rules, {})
  })

  function numbersOf({ duplicated: counted, duplicatesAllowed, clean }: ReturnType<typeof check>) {
    return { duplicated: counted, allowed: duplicatesAllowed, clean }
  }
})

describe('the checker’s code', () => {
  const root = join(import.meta.dirname, '../../..')
  const files = readSourceTree(root, 'test/faults/checker')
  const imports = files.flatMap((file) => file.imports.map((each) => ({ file: file.path, ...each })))

  test('shares nothing with what it judges', () => {
    assert.ok(imports.length > 20)
    const foreign = imports.filter(({ own, target }) => own && !target.startsWith('test/faults/checker/'))
    assert.deepEqual(foreign, [])
    const packages = new Set(imports.filter(({ own }) => !own).map(({ target }) => packageOf(target)))
    const allowed = new Set(['avsc', 'ioredis', 'kafkajs', 'pg', 'node:crypto', 'node:fs'])
    assert.deepEqual(
      [...packages].filter((name) => !allowed.has(name)),
      [],
    )
  })
})
