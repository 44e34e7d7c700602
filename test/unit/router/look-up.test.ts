import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noCoordinates, type LogEntry } from '../../../src/domain/notification-log.ts'
import type { Request } from '../../../src/services/router/decode.ts'
import { lookUp } from '../../../src/services/router/look-up.ts'
import { nowMs, request } from '../../support/builders/requests.ts'

const key = { notificationId: request().notificationId, source: 'shop', day: '2026-11-23' }
const coordinates = { lane: 'bulk', partition: 3, offset: 17n } as const

function incoming(choices: Partial<Request> = {}): Request {
  return {
    record: { topic: 't', partition: 3, offset: 17n, timestampMs: nowMs, key: null, value: null, headers: {} },
    event: request(),
    key,
    coordinates,
    pass: 0,
    lane: 'bulk',
    contentHash: Uint8Array.of(1),
    channels: null,
    refused: null,
    loggable: true,
    ...choices,
  }
}

function entry(choices: Partial<LogEntry> = {}): LogEntry {
  return {
    ...key,
    coordinates,
    pass: 0,
    decidedAtMs: nowMs,
    cancelledAtMs: null,
    decision: decision('routed'),
    contentHash: Uint8Array.of(1),
    stateOf: {},
    ...choices,
  }
}

async function sortedAs(found: LogEntry[], incomingRequest = incoming()): Promise<string> {
  const looked = await lookUp([incomingRequest], {
    lookUp: () => Promise.resolve(found),
    record: () => Promise.reject(new Error('not asked')),
  })
  const { open, redelivered, cancelled, duplicates } = looked
  const counts = { open: open.length, redelivered: redelivered.length, cancelled: cancelled.length }
  const names = Object.entries({ ...counts, duplicate: duplicates.length }).filter(([, count]) => count > 0)
  assert.equal(names.length, 1)
  return names[0]?.[0] ?? ''
}

const decision = (kind: LogEntry['decision']['kind']) => ({
  kind,
  reason: null,
  detail: null,
  deferredUntilMs: null,
  deliveries: [],
  suppressedChannels: [],
})

describe('what the log knows about a request', () => {
  test('without a row it is open', async () => {
    assert.equal(await sortedAs([]), 'open')
  })

  test('the coordinates of the row make it a redelivery, any others a duplicate', async () => {
    assert.equal(await sortedAs([entry()]), 'redelivered')
    for (const other of [{ offset: 18n }, { partition: 4 }, { lane: 'transactional' as const }]) {
      assert.equal(await sortedAs([entry({ coordinates: { ...coordinates, ...other } })]), 'duplicate')
    }
  })

  test('the same id of another source says nothing about it', async () => {
    assert.equal(await sortedAs([entry({ source: 'billing' })]), 'open')
  })

  test('a row of the neighbouring day makes it a duplicate', async () => {
    assert.equal(await sortedAs([entry({ day: '2026-11-22' })]), 'duplicate')
  })

  test('a cancel that named the neighbouring day cancels it; nothing is a duplicate of a cancel', async () => {
    const bareCancel = { day: '2026-11-22', decision: decision('cancelled'), contentHash: null }
    assert.equal(await sortedAs([entry({ ...bareCancel, coordinates: noCoordinates })]), 'cancelled')
    // There an event came first, and was cancelled while it waited.
    assert.equal(await sortedAs([entry({ ...bareCancel, coordinates })]), 'duplicate')
  })

  test('only the pass that follows a deferred one is open again', async () => {
    const deferred = entry({ decision: decision('deferred'), coordinates: { ...coordinates, offset: 1n } })
    assert.equal(await sortedAs([deferred], incoming({ pass: 1 })), 'open')
    assert.equal(await sortedAs([deferred], incoming({ pass: 2 })), 'duplicate')
    assert.equal(await sortedAs([deferred], incoming({ pass: 0 })), 'duplicate')
    const routed = entry({ coordinates: { ...coordinates, offset: 1n } })
    assert.equal(await sortedAs([routed], incoming({ pass: 1 })), 'duplicate')
  })

  test('a cancel that came first cancels it; one that came after its routing leaves it a redelivery', async () => {
    const cancelledFirst = entry({ decision: decision('cancelled'), cancelledAtMs: nowMs })
    assert.equal(await sortedAs([cancelledFirst]), 'cancelled')
    assert.equal(await sortedAs([entry({ cancelledAtMs: nowMs })]), 'redelivered')
  })
})
