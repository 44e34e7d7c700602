import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { DeliveryStatus } from '../../../src/domain/delivery-status.ts'
import { dayOf } from '../../../src/domain/identity.ts'
import type { LogEntry, NewLogEntry } from '../../../src/domain/notification-log.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import type { RouterPorts } from '../../../src/services/router/ports.ts'
import { createRouter } from '../../../src/services/router/router.ts'
import { category, nowMs, profile, request, template } from '../../support/builders/requests.ts'

const dayMs = 86_400_000
const digest = (algorithm: string) => (input: Uint8Array) => createHash(algorithm).update(input).digest()

/** Routes one record of a request that was written so many days ago, as the pass given, over the row given. */
async function routed({ ageDays, pass, row }: { ageDays: number; pass: number; row: Partial<LogEntry> | undefined }) {
  const event = request({ createdAt: nowMs - ageDays * dayMs, sendAt: nowMs - 1 })
  const entry: LogEntry = {
    notificationId: event.notificationId,
    source: event.source,
    day: dayOf(event.createdAt),
    coordinates: { lane: 'transactional', partition: 0, offset: 1n },
    pass: 0,
    decidedAtMs: event.createdAt,
    cancelledAtMs: null,
    contentHash: null,
    stateOf: {},
    decision: {
      kind: 'deferred',
      reason: 'send_at',
      detail: null,
      deferredUntilMs: nowMs - 1,
      deliveries: [],
      suppressedChannels: [],
    },
    ...row,
  }
  const recorded: NewLogEntry[] = []
  const statuses: DeliveryStatus[] = []
  const ports: RouterPorts = {
    reader: { decode: () => Promise.resolve([{ kind: 'requested', event }]) },
    log: {
      lookUp: () => Promise.resolve(row === undefined ? [] : [entry]),
      record: (entries) => {
        recorded.push(...entries)
        return Promise.resolve([...entries])
      },
      cancel: () => Promise.reject(new Error('not asked')),
    },
    loadProfiles: () => Promise.resolve(new Map([[7, profile()]])),
    loadCategories: () => Promise.resolve(new Map([['receipts', category({ timeToLiveSeconds: 6 * 86_400 })]])),
    loadTemplates: () => Promise.resolve(new Map([['receipt', template()]])),
    findSuppressed: (questions) => Promise.resolve(questions.map(() => false)),
    caps: { reserve: () => Promise.resolve([]), release: () => Promise.resolve() },
    userCaps: [],
    defaultZone: 'UTC',
    encodeCommand: () => new Uint8Array(),
    encodeStatus: (status) => {
      statuses.push(status)
      return new Uint8Array()
    },
    publish: () => Promise.resolve(),
    deadLetter: () => assert.fail('a dead letter'),
    topics: topicNames(),
    sha256: digest('sha256'),
    sha1: digest('sha1'),
    now: () => nowMs,
    observe: () => {},
  }
  const record = {
    topic: 'notifications.requested.transactional',
    partition: 0,
    offset: 9n,
    timestampMs: nowMs,
    key: Buffer.from('7'),
    value: new Uint8Array(10),
    headers: pass === 0 ? {} : { 'x-pass': String(pass) },
  }
  await createRouter('transactional', ports).handle([record])
  return {
    told: statuses.map(({ status, reason }) => (reason === null ? status : `${status}/${reason}`)),
    recorded: recorded.length,
  }
}

describe('a request that is older than new ones may be', () => {
  test('is decided when it resumes: it has waited for its sendAt', async () => {
    assert.deepEqual(await routed({ ageDays: 8, pass: 1, row: {} }), { told: ['routed'], recorded: 1 })
    assert.deepEqual(await routed({ ageDays: 20, pass: 1, row: {} }), { told: ['routed'], recorded: 1 })
  })

  test('is too old if it is new here, and leaves no row: its day may have no partition', async () => {
    assert.deepEqual(await routed({ ageDays: 8, pass: 0, row: undefined }), { told: ['failed/too_old'], recorded: 0 })
    assert.deepEqual(await routed({ ageDays: 60, pass: 0, row: undefined }), { told: ['failed/too_old'], recorded: 0 })
  })

  test('is what it was if it was consumed in time and comes again', async () => {
    const decision = {
      kind: 'suppressed' as const,
      reason: 'opted_out' as const,
      detail: null,
      deferredUntilMs: null,
      deliveries: [],
      suppressedChannels: [{ channel: 'sms' as const, reason: 'opted_out' as const }],
    }
    const coordinates = { lane: 'transactional' as const, partition: 0, offset: 9n }
    assert.deepEqual(await routed({ ageDays: 8, pass: 0, row: { decision, coordinates } }), {
      told: ['suppressed/opted_out'],
      recorded: 0,
    })
    assert.deepEqual(await routed({ ageDays: 8, pass: 0, row: { decision } }), {
      told: ['duplicate/repeated_id'],
      recorded: 0,
    })
  })
})
