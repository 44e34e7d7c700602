import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outcome } from '../../../src/domain/provider.ts'
import { accountHoldMs } from '../../../src/services/sender/sender-settings.ts'
import { createSender } from '../../../src/services/sender/sender.ts'
import { nowMs } from '../../support/builders/requests.ts'
import { senderPorts, senderSettings } from '../../support/builders/sender-ports.ts'

const record = {
  topic: 'notifications.sms.bulk',
  partition: 0,
  offset: 1n,
  timestampMs: nowMs,
  key: Buffer.from('7'),
  value: Buffer.from('bytes'),
  headers: { 'x-hop': '1', 'x-attempt': '0' },
}
const refused: Outcome = { kind: 'misconfigured', reason: 'authentication_failed' }
const accepted: Outcome = { kind: 'accepted', providerMessageId: 'SM1' }

describe('a sender of a paused channel', () => {
  test('stands still on purpose, so that the watchdog leaves it alone', () => {
    let isPaused = true
    const pause = { paused: () => isPaused, lifted: () => Promise.resolve() }
    const sender = createSender(senderSettings, senderPorts({ pause }))
    assert.equal(sender.holding(), true)
    isPaused = false
    assert.equal(sender.holding(), false)
  })

  test('ends what it had admitted before', async () => {
    const { play, calls } = senderWhere(() => true, [accepted])
    await play()
    assert.equal(calls(), 1)
  })

  test('does not repeat a call that was refused for the account’s sake, until the channel is resumed', async () => {
    const holdsWhilePaused = 3
    let holds = 0
    const { play, calls, callsAtHold } = senderWhere(
      () => holds <= holdsWhilePaused,
      [refused, accepted],
      () => (holds += 1),
    )
    await play()
    assert.deepEqual(callsAtHold, [1, 1, 1, 1])
    assert.equal(calls(), 2)
  })
})

/** A sender whose one record is granted and whose calls have these outcomes, one after the other. */
function senderWhere(paused: () => boolean, outcomes: readonly Outcome[], held: () => void = () => {}) {
  let calls = 0
  const callsAtHold: number[] = []
  const row = { state: 'claimed', hop: 1, attempt: 0, reason: null, nextDueAtMs: null } as const
  const unnamed = { provider: null, providerMessageId: null }
  const ports = senderPorts({
    pause: { paused, lifted: () => Promise.resolve() },
    rows: {
      claim: (_, requests) =>
        Promise.resolve(
          requests.map(({ deliveryId }) => ({
            deliveryId,
            action: 'claim',
            attemptsMax: null,
            mandatory: false,
            row: { ...row, ...unnamed },
          })),
        ),
      settle: (all) => Promise.resolve(all.map((one) => ({ ...one, attempt: 1, moved: true }))),
    },
    provider: {
      ...senderPorts().provider,
      send: () => {
        const outcome = outcomes[calls]
        calls += 1
        return Promise.resolve(outcome === undefined ? [] : [outcome])
      },
    },
    sleep: (ms) => {
      if (ms === accountHoldMs) {
        callsAtHold.push(calls)
        held()
      }
      return Promise.resolve()
    },
  })
  const sender = createSender(senderSettings, ports)
  return { play: () => sender.handle([record], () => {}), calls: () => calls, callsAtHold }
}
