import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ClaimVerdict } from '../../../src/domain/claim.ts'
import type { DeliveryStatus } from '../../../src/domain/delivery-status.ts'
import type { Outcome } from '../../../src/domain/provider.ts'
import type { OutgoingRecord } from '../../../src/domain/record.ts'
import type { SettledDelivery, Settlement } from '../../../src/domain/settlement.ts'
import { createSender } from '../../../src/services/sender/sender.ts'
import { nowMs } from '../../support/builders/requests.ts'
import { senderPorts, senderSettings } from '../../support/builders/sender-ports.ts'

/** What the table says follows from a row, against a record at hop 2 on its second attempt. */
interface Scene {
  verdict: Omit<ClaimVerdict, 'deliveryId' | 'attemptsMax' | 'mandatory'>
  outcome?: Outcome
  attemptsMax?: number
  /** The rows of settlements, where they are not what was settled. */
  settled?: Partial<SettledDelivery>
}

/** Runs one record through the sender and tells what came of it. */
async function play({ verdict, outcome, attemptsMax, settled }: Scene) {
  const published: OutgoingRecord[] = []
  const statuses: string[] = []
  const settlements: Settlement[] = []
  let calls = 0
  const ports = senderPorts({
    rows: {
      claim: (_, requests) =>
        Promise.resolve(
          requests.map(({ deliveryId }) => ({
            ...verdict,
            deliveryId,
            attemptsMax: attemptsMax ?? null,
            mandatory: false,
          })),
        ),
      settle: (all) => {
        settlements.push(...all)
        const rows = all.map((one) => ({ ...rowAfter(one), ...settled }))
        return Promise.resolve(rows)
      },
    },
    provider: {
      ...senderPorts().provider,
      send: () => {
        calls += 1
        return Promise.resolve(outcome === undefined ? [] : [outcome])
      },
    },
    publish: (records) => {
      published.push(...records)
      return Promise.resolve()
    },
    encodeStatus: (status: DeliveryStatus) => {
      statuses.push(status.reason === null ? status.status : `${status.status}/${status.reason}`)
      return new Uint8Array()
    },
  })
  const sender = createSender(senderSettings, ports)
  const done: unknown[] = []
  const record = {
    topic: 'notifications.sms.bulk',
    partition: 0,
    offset: 1n,
    timestampMs: nowMs,
    key: Buffer.from('7'),
    value: Buffer.from('bytes'),
    headers: { 'x-hop': '2', 'x-attempt': '1' },
  }
  await sender.handle([record], (each) => done.push(each))
  assert.equal(done.length, 1, 'every record is done, once')
  const others = published.filter(({ topic }) => topic !== 'notifications.delivery-status')
  return {
    statuses,
    settlements,
    calls,
    others,
    forwarded: others.map(({ topic, headers }) => [topic, headers['x-hop'] ?? headers['x-reason']]),
  }
}

function rowAfter({
  deliveryId,
  hop,
  state,
  reason,
  nextDueAtMs,
  provider,
  attemptsSpent,
}: Settlement): SettledDelivery {
  return { deliveryId, moved: true, state, hop, attempt: 1 + attemptsSpent, reason, nextDueAtMs, provider }
}

const row = (choices: Partial<NonNullable<ClaimVerdict['row']>>) => ({
  state: 'claimed' as const,
  hop: 2,
  attempt: 1,
  reason: null,
  nextDueAtMs: null,
  provider: null,
  providerMessageId: null,
  ...choices,
})
const claim = { action: 'claim', row: row({}) } as const
const soon = nowMs + 5_000

describe('a record at hop 2 meets its row', () => {
  test('claimed by it: one call, settled, published, done', async () => {
    const found = await play({ verdict: claim, outcome: { kind: 'accepted', providerMessageId: 'SM1' } })
    assert.equal(found.calls, 1)
    assert.deepEqual(found.statuses, ['sent'])
    assert.deepEqual(found.forwarded, [])
    assert.deepEqual(
      found.settlements.map(({ state, hop }) => [state, hop]),
      [['sent', 2]],
    )
  })

  test('final: its status is published again, and nothing is called', async () => {
    const rows = [
      { state: 'delivered', statuses: ['sent'] },
      { state: 'cancelled', reason: 'cancelled', statuses: ['cancelled/cancelled'] },
      { state: 'failed', reason: 'unregistered', statuses: ['failed/unregistered'] },
      { state: 'unknown', reason: 'ambiguous', statuses: ['unknown/ambiguous'] },
    ] as const
    for (const { state, statuses, ...more } of rows) {
      const found = await play({ verdict: { action: 'republish', row: row({ state, ...more }) } })
      assert.deepEqual([found.statuses, found.calls, found.forwarded], [statuses, 0, []])
    }
  })

  test('exhausted at this very hop: its dead letter may not have been published either', async () => {
    const exhausted = { state: 'failed', reason: 'attempts_exhausted' } as const
    const here = await play({ verdict: { action: 'republish', row: row(exhausted) } })
    assert.deepEqual(here.forwarded, [['notifications.sms.dlq', 'attempts_exhausted']])
    const later = await play({ verdict: { action: 'republish', row: row({ ...exhausted, hop: 3 }) } })
    assert.deepEqual(later.forwarded, [])
  })

  test('leased to another: put back unchanged, through the 10 s rung', async () => {
    const found = await play({ verdict: { action: 'put_back', row: row({}) } })
    assert.deepEqual([found.calls, found.statuses], [0, []])
    assert.deepEqual(found.forwarded, [['notifications.retry.bulk.10s', '2']])
    const [record] = found.others
    assert.deepEqual(
      [String(record?.value), record?.headers['x-attempt'], record?.headers['x-channel']],
      ['bytes', '1', 'sms'],
    )
    assert.ok(Number(record?.headers['x-due-at']) >= nowMs + 10_000)
  })

  test('left by a lease that ended: resend publishes the next hop, hold waits for a person', async () => {
    const again = { state: 'retrying', reason: 'ambiguous', attempt: 2, nextDueAtMs: nowMs } as const
    const resend = await play({ verdict: { action: 'unknown', row: row(again) } })
    assert.deepEqual([resend.calls, resend.statuses], [0, ['unknown/ambiguous']])
    assert.deepEqual(resend.forwarded, [['notifications.retry.bulk.10s', '3']])
    const hold = await play({ verdict: { action: 'unknown', row: row({ state: 'unknown', reason: 'ambiguous' }) } })
    assert.deepEqual([hold.statuses, hold.forwarded], [['unknown/ambiguous'], []])
  })

  test('left so on its last attempt: the doubt is told, and it has failed', async () => {
    const again = { state: 'retrying', reason: 'ambiguous', attempt: 2, nextDueAtMs: nowMs } as const
    const found = await play({ verdict: { action: 'unknown', row: row(again) }, attemptsMax: 2 })
    assert.deepEqual(found.statuses, ['unknown/ambiguous', 'failed/attempts_exhausted'])
    assert.deepEqual(found.forwarded, [['notifications.sms.dlq', 'attempts_exhausted']])
  })

  test('waiting at this hop: the next record is published again, from the row', async () => {
    const waits = { state: 'retrying', reason: 'throttled', nextDueAtMs: soon } as const
    const found = await play({ verdict: { action: 'next', row: row(waits) } })
    assert.deepEqual([found.calls, found.statuses], [0, ['retrying/throttled']])
    assert.deepEqual(found.forwarded, [['notifications.retry.bulk.10s', '3']])
    assert.equal(found.others[0]?.headers['x-due-at'], String(soon))
  })

  test('inside the quiet window: it waits without spending anything', async () => {
    const quiet = { state: 'retrying', reason: 'quiet_hours', nextDueAtMs: nowMs + 3_000_000 } as const
    const found = await play({ verdict: { action: 'quiet', row: row(quiet) } })
    assert.deepEqual([found.calls, found.statuses], [0, ['deferred/quiet_hours']])
    assert.deepEqual(found.forwarded, [['notifications.retry.bulk.1h', '3']])
  })

  test('ahead of it: done, a later record carries it', async () => {
    const found = await play({ verdict: { action: 'stale', row: row({ hop: 3 }) } })
    assert.deepEqual([found.calls, found.statuses, found.forwarded], [0, [], []])
  })

  test('missing, or with a gap between the hops: kept for a person', async () => {
    const found = await play({ verdict: { action: 'no_row' } })
    assert.deepEqual(found.forwarded, [['notifications.sms.dlq', 'no_row']])
  })
})

describe('after a call', () => {
  test('that may be tried again, status and next hop go out together, over a row that waits at this hop', async () => {
    const found = await play({ verdict: claim, outcome: { kind: 'retry', reason: 'provider_unavailable' } })
    assert.deepEqual(found.statuses, ['retrying/provider_unavailable'])
    assert.deepEqual(found.forwarded, [['notifications.retry.bulk.1m', '3']])
    assert.equal(found.others[0]?.headers['x-attempt'], '2')
  })

  test('whose answer to the settlement was lost, the repeat publishes what the row says', async () => {
    const found = await play({
      verdict: claim,
      outcome: { kind: 'retry', reason: 'provider_unavailable' },
      settled: { moved: false },
    })
    assert.deepEqual(found.forwarded, [['notifications.retry.bulk.1m', '3']])
  })

  test('whose feedback came first, the row is not overwritten and no next hop is published', async () => {
    const found = await play({
      verdict: claim,
      outcome: { kind: 'retry', reason: 'provider_unavailable' },
      settled: { moved: false, state: 'delivered', nextDueAtMs: null },
    })
    assert.deepEqual([found.statuses, found.forwarded], [['sent'], []])
  })

  test('that came back when the row was at a later hop, nothing is published: the result is fenced', async () => {
    const found = await play({
      verdict: claim,
      outcome: { kind: 'accepted', providerMessageId: 'SM1' },
      settled: { moved: false, hop: 3, state: 'claimed' },
    })
    assert.deepEqual([found.statuses, found.forwarded], [[], []])
  })
})
