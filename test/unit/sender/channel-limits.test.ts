import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Lane } from '../../../src/domain/channel.ts'
import { watchChannelLimits, type ChannelLimitsOptions } from '../../../src/services/sender/channel-limits.ts'

const served = [
  { channel: 'sms', lane: 'bulk' },
  { channel: 'sms', lane: 'transactional' },
] as const

/** A watch whose waits the test ends. */
function watching(given: Pick<ChannelLimitsOptions, 'load'>) {
  const told: string[] = []
  let wake = Promise.withResolvers<void>()
  const limits = watchChannelLimits({
    served,
    configured: 100,
    ...given,
    sleep: (_ms, signal) => {
      signal.addEventListener('abort', () => wake.resolve())
      return signal.aborted ? Promise.resolve() : wake.promise
    },
    observe: ({ channel, lane, concurrency, isFirst }) =>
      void told.push(`${channel} ${lane} ${concurrency}${isFirst ? ' at first' : ''}`),
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    limits,
    told,
    of: (lane: Lane) => limits.of({ channel: 'sms', lane }),
    settle,
    pass: async () => {
      wake.resolve()
      wake = Promise.withResolvers()
      await settle()
    },
  }
}

describe('the calls at once of a channel', () => {
  test('are what an operator says for it, and what is configured where nobody says anything or no longer', async () => {
    let limited: {
      channel: 'sms'
      lane: Lane
      concurrency: number
    }[] = [{ channel: 'sms', lane: 'bulk', concurrency: 7 }]
    const { limits, told, of, settle, pass } = watching({ load: () => Promise.resolve(limited) })
    assert.equal(of('bulk'), 100)
    await settle()
    assert.deepEqual([of('bulk'), of('transactional')], [7, 100])
    limited = []
    await pass()
    assert.equal(of('bulk'), 100)
    await limits.stop()
    assert.deepEqual(told, ['sms bulk 100 at first', 'sms transactional 100 at first', 'sms bulk 7', 'sms bulk 100'])
  })

  test('stay what they were while nobody answers', async () => {
    let isAway = false
    const { limits, of, settle, pass } = watching({
      load: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve([{ ...served[0], concurrency: 7 }])),
    })
    await settle()
    isAway = true
    await pass()
    assert.equal(of('bulk'), 7)
    await limits.stop()
  })
})
