import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { DeliveryCommand } from '../../../src/domain/delivery-command.ts'
import type { OutgoingRecord } from '../../../src/domain/record.ts'
import type { StoredDelivery } from '../../../src/domain/stored-delivery.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { resolveHeld, type Resolution, type ResolvePorts } from '../../../src/services/held-deliveries/resolve.ts'
import { logEntry } from '../../support/builders/log-entry.ts'
import { nowMs, request } from '../../support/builders/requests.ts'
import { storedDelivery } from '../../support/builders/stored-delivery.ts'

const topics = topicNames()
const event = request()
const entry = {
  ...logEntry({ notificationId: event.notificationId, source: event.source, createdAtMs: event.createdAt }),
  cancelledAtMs: null,
  stateOf: {},
}
const [planned] = entry.decision.deliveries
if (planned === undefined) throw new Error('the entry has a delivery')
const held = storedDelivery({
  deliveryId: planned.deliveryId,
  createdAt: event.createdAt,
  state: 'unknown',
  reason: 'ambiguous',
  hop: 2,
  attempt: 2,
})

interface World extends Partial<ResolvePorts> {
  row?: StoredDelivery
}

async function resolve(resolution: Resolution, { row = held, ...choices }: World = {}) {
  const steps: string[] = []
  const published: OutgoingRecord[] = []
  const commands: DeliveryCommand[] = []
  const ports: ResolvePorts = {
    load: () => Promise.resolve(row),
    resolve: async (before, wanted, beforeCommit = () => Promise.resolve()) => {
      const after: StoredDelivery =
        wanted === 'sent'
          ? { ...before, state: 'sent', reason: null }
          : { ...before, state: 'retrying', nextDueAtMs: nowMs }
      await beforeCommit(after)
      steps.push('committed')
      return after
    },
    wasResolved: () => Promise.resolve(false),
    lookUp: () => Promise.resolve([entry]),
    readRequest: () => Promise.resolve({ event, headers: {} }),
    publish: (records) => {
      published.push(...records)
      steps.push('published')
      return Promise.resolve()
    },
    encodeCommand: (command) => {
      commands.push(command)
      return Buffer.from('command')
    },
    encodeStatus: (status) => Buffer.from(`${status.status}/${status.reason} at ${status.deliveryId}`),
    topics,
    sha1: (input) => createHash('sha1').update(input).digest(),
    now: () => nowMs,
    ...choices,
  }
  const resolved = await resolveHeld(row.deliveryId, resolution, ports)
  const statuses = published.filter(({ topic }) => topic === topics.deliveryStatus).map(({ value }) => String(value))
  return {
    resolved,
    steps,
    statuses,
    commands,
    others: published.filter(({ topic }) => topic !== topics.deliveryStatus),
  }
}

describe('a held delivery', () => {
  test('that the provider has is sent: the status is published before the row is seen to have moved', async () => {
    const { resolved, steps, statuses, others } = await resolve('sent')
    assert.equal(resolved.kind, 'resolved')
    assert.deepEqual(steps, ['published', 'committed'])
    assert.deepEqual(statuses, [`sent/null at ${held.deliveryId}`])
    assert.deepEqual(others, [])
  })

  test('that is sent again moves first, and goes on through the ladder as the router’s command', async () => {
    const { resolved, steps, statuses, commands, others } = await resolve('resend')
    assert.equal(resolved.kind, 'resolved')
    assert.deepEqual(steps, ['committed', 'published'])
    assert.deepEqual(statuses, [`retrying/ambiguous at ${held.deliveryId}`])
    assert.deepEqual(others, [
      {
        topic: 'notifications.retry.transactional.10s',
        key: '7',
        value: Buffer.from('command'),
        headers: { 'x-hop': '3', 'x-attempt': '2', 'x-due-at': String(nowMs), 'x-channel': 'sms' },
      },
    ])
    assert.deepEqual(commands, [
      {
        ...planned,
        notificationId: event.notificationId,
        source: 'shop',
        userId: 7,
        category: 'receipts',
        data: event.data,
        createdAt: event.createdAt,
        routedAt: entry.decidedAtMs,
        pass: entry.pass,
        collapseKey: null,
      },
    ])
  })

  test('is left alone where its request cannot be found, or another lies there', async () => {
    const gone: Partial<ResolvePorts>[] = [
      { lookUp: () => Promise.resolve([]) },
      { readRequest: () => Promise.resolve(undefined) },
      { readRequest: () => Promise.resolve({ event: request({ source: 'other' }), headers: {} }) },
    ]
    for (const world of gone) {
      const { resolved, steps } = await resolve('resend', world)
      assert.deepEqual([resolved.kind, steps], ['request_gone', []])
    }
  })
})

describe('a delivery that is not held', () => {
  test('is refused with what it is, and nothing happens', async () => {
    for (const resolution of ['sent', 'resend'] as const) {
      for (const state of ['claimed', 'retrying', 'sent', 'failed'] as const) {
        const { resolved, steps } = await resolve(resolution, { row: { ...held, state } })
        assert.deepEqual([resolved, steps], [{ kind: 'not_held', state }, []])
      }
    }
  })

  test('any more, because another person was first, is refused too', async () => {
    const { resolved, steps } = await resolve('resend', { resolve: () => Promise.resolve(undefined) })
    assert.deepEqual([resolved.kind, steps], ['not_held', []])
  })

  test('because the same was decided before, has what follows published again: a crash may have kept it back', async () => {
    const wasResolved = () => Promise.resolve(true)
    const resent = await resolve('resend', { wasResolved, row: { ...held, state: 'retrying' } })
    assert.deepEqual([resent.resolved.kind, resent.steps, resent.others.length], ['repeated', ['published'], 1])
    const sent = await resolve('sent', { wasResolved, row: { ...held, state: 'sent', reason: null } })
    assert.deepEqual([sent.resolved.kind, sent.steps], ['repeated', ['published']])
  })

  test('is not known', async () => {
    assert.equal((await resolve('sent', { load: () => Promise.resolve(undefined) })).resolved.kind, 'not_found')
  })
})
