/**
 * The observations of a run in which nothing went wrong: one event that became an SMS and two pushes, one that was
 * suppressed, one that failed and was published twice, and a record of poison. Tests plant one fault each.
 */
import type {
  DeliveryRow,
  Observations,
  ProviderCall,
  RequestedEvent,
  Schedule,
  StatusRecord,
} from '../../faults/checker/observations.ts'

/** Observations that may be changed, down to the schedule. */
export type Planted = { -readonly [Key in keyof Omit<Observations, 'schedule'>]: Unlocked<Observations[Key]> } & {
  schedule: { -readonly [Key in keyof Schedule]: Schedule[Key] }
}
type Unlocked<List> = List extends readonly (infer Item)[] ? { -readonly [Key in keyof Item]: Item[Key] }[] : List

const createdAt = Date.UTC(2026, 0, 15, 12)
export const calledAt = createdAt + 1_000
const topic = 'notifications.requested.bulk'

export function anEvent(given: Partial<RequestedEvent> & { notificationId: string; offset: string }): RequestedEvent {
  return {
    source: 'shop',
    userId: 1,
    category: 'receipt',
    channels: ['sms', 'push'],
    sendAt: null,
    createdAt,
    topic,
    partition: 0,
    ...given,
  }
}

export function aStatus(given: Partial<StatusRecord> & { notificationId: string; status: string }): StatusRecord {
  const { notificationId, status, deliveryId = null, channel = null } = given
  return {
    statusId: `${notificationId} ${deliveryId ?? channel ?? ''} ${status}`,
    source: 'shop',
    deliveryId,
    channel,
    reason: null,
    plannedDeliveries: null,
    automatic: false,
    occurredAt: calledAt + 100,
    ...given,
  }
}

export function aRow(given: Partial<DeliveryRow> & { deliveryId: string; channel: string }): DeliveryRow {
  return {
    notificationId: 'sent',
    source: 'shop',
    address: `address of ${given.deliveryId}`,
    state: 'sent',
    reason: null,
    unknownPolicy: 'resend',
    hop: 1,
    createdAt,
    expiresAt: createdAt + 3_600_000,
    provider: 'twilio',
    providerMessageId: `message of ${given.deliveryId}`,
    ...given,
  }
}

export function aCall(
  given: Partial<ProviderCall> & { deliveryId: string; channel: string; sequence: number },
): ProviderCall {
  return {
    provider: 'twilio',
    receivedAtMs: calledAt,
    answeredAtMs: calledAt + 50,
    verdict: 'accepted',
    providerMessageId: `message of ${given.deliveryId}`,
    ...given,
  }
}

const poison = { topic, partition: 0, offset: '9', value: Uint8Array.of(1, 2, 3) }

export function aCleanRun(): Planted {
  const rows = [
    aRow({ deliveryId: 'd-sms', channel: 'sms' }),
    aRow({ deliveryId: 'd-ios', channel: 'ios' }),
    aRow({ deliveryId: 'd-android', channel: 'android' }),
  ]
  return {
    requests: [
      anEvent({ notificationId: 'sent', offset: '0' }),
      anEvent({ notificationId: 'muted', offset: '1', channels: null }),
      anEvent({ notificationId: 'failed', offset: '2', category: 'nonsense' }),
      anEvent({ notificationId: 'failed', offset: '3', category: 'nonsense' }),
    ],
    unreadable: [poison],
    statuses: [
      aStatus({ notificationId: 'sent', status: 'routed', plannedDeliveries: 3 }),
      ...rows.map(({ deliveryId, channel }) =>
        aStatus({ notificationId: 'sent', status: 'sent', deliveryId, channel }),
      ),
      aStatus({ notificationId: 'muted', status: 'suppressed', channel: 'email', reason: 'opted_out' }),
      aStatus({ notificationId: 'failed', status: 'failed', reason: 'unknown_category' }),
      aStatus({ notificationId: 'failed', status: 'duplicate', reason: 'repeated_id' }),
    ],
    deadLetters: [
      {
        topic: 'notifications.requested.dlq',
        reason: 'not_avro',
        original: { topic, partition: 0, offset: '9' },
        value: Uint8Array.of(1, 2, 3),
        deliveryId: null,
      },
    ],
    retries: [],
    notifications: [
      { notificationId: 'sent', source: 'shop', decision: 'routed', deliveryIds: ['d-android', 'd-sms', 'd-ios'] },
      { notificationId: 'muted', source: 'shop', decision: 'suppressed', deliveryIds: [] },
      { notificationId: 'failed', source: 'shop', decision: 'failed', deliveryIds: [] },
    ],
    deliveries: rows,
    scheduled: [],
    people: [
      {
        userId: 1,
        addresses: {
          sms: ['address of d-sms'],
          ios: ['address of d-ios'],
          android: ['address of d-android'],
          email: ['address@example.com'],
        },
      },
    ],
    categories: [{ name: 'receipt', channels: ['email'], isMandatory: false, caps: [] }],
    places: [],
    calls: rows.map(({ deliveryId, channel }, at) => aCall({ deliveryId, channel, sequence: at + 1 })),
    webhooks: [],
    regressions: [],
    positions: [{ group: 'fanfare.router.bulk', topic, partition: 0, committed: 10n, low: 0n, high: 10n }],
    commits: [4n, 10n].map((offset, at) => ({
      group: 'fanfare.router.bulk',
      topic,
      partition: 0,
      offset,
      committedAt: calledAt + at * 1_000,
    })),
    schedule: {
      endedAtMs: calledAt + 60_000,
      kills: [],
      lostAnswers: 0,
      answerTimeoutMs: 10_000,
      skewAllowedMs: 0,
      expiryGraceMs: 5_000,
      expectedDeadLetters: [],
      redriven: false,
      rewindsAtMs: [],
      userCaps: [],
      capsAway: [],
      sendLagMs: 0,
      pauses: [],
    },
  }
}

/** The same, and the SMS has arrived and been read, in that order at its provider and the other way round here. */
export function aReportedRun(): Planted {
  const run = aCleanRun()
  const sms = { notificationId: 'sent', deliveryId: 'd-sms', channel: 'sms' }
  run.deliveries[0]!.state = 'opened'
  run.webhooks.push(
    { provider: 'twilio', event: 'read', deliveryId: 'd-sms', takenAtMs: calledAt + 1_000 },
    { provider: 'twilio', event: 'delivered', deliveryId: 'd-sms', takenAtMs: calledAt + 2_000 },
    { provider: 'twilio', event: 'queued', deliveryId: 'd-sms', takenAtMs: calledAt + 3_000 },
  )
  run.statuses.push(aStatus({ ...sms, status: 'delivered' }), aStatus({ ...sms, status: 'opened' }))
  return run
}
