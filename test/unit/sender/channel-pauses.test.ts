import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import {
  pausePollMs,
  watchChannelPauses,
  type PauseObservation,
  type ServedChannel,
} from '../../../src/services/sender/channel-pauses.ts'

const sms = { channel: 'sms', lane: 'bulk' } as const
const email = { channel: 'email', lane: 'bulk' } as const
const away = new DependencyUnavailable('postgres', 'ECONNREFUSED')

/** A watch over SMS and email whose answers and time the test drives. */
async function watching(first: readonly ServedChannel[] | Error) {
  let answer = first
  let asked = 0
  let wake = () => {}
  const told: PauseObservation[] = []
  const pauses = await watchChannelPauses({
    served: [sms, email],
    load: () => {
      asked += 1
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        assert.ok(ms <= 1_000)
        wake = resolve
        signal.addEventListener('abort', () => resolve())
      }),
    observe: (observation) => void told.push(observation),
  })
  return {
    pauses,
    told: () => told.splice(0).map(inWords),
    asked: () => asked,
    answers: async (next: readonly ServedChannel[] | Error) => {
      answer = next
      wake()
      await new Promise<void>((resolve) => setImmediate(resolve))
    },
    paused: () => [pauses.of(sms).paused(), pauses.of(email).paused()],
  }
}

function inWords(told: PauseObservation): string {
  return told.kind === 'unreadable' ? told.kind : `${told.channel} ${told.kind}${told.isFirst ? ' at first' : ''}`
}

describe('the pauses of channels', () => {
  test('are known before anything starts', async () => {
    const { paused, told } = await watching([sms])
    assert.deepEqual(paused(), [true, false])
    assert.deepEqual(told(), ['sms paused at first', 'email open at first'])
  })

  test('come and go with the answers, each change told once', async () => {
    const { paused, told, answers } = await watching([])
    told()
    await answers([email])
    await answers([email])
    assert.deepEqual(paused(), [false, true])
    await answers([sms])
    assert.deepEqual(paused(), [true, false])
    assert.deepEqual(told(), ['email paused', 'sms paused', 'email open'])
  })

  test('wake whoever waits for the end of one, every time', async () => {
    const { pauses, answers } = await watching([sms])
    for (let round = 0; round < 2; round += 1) {
      let isLifted = false
      void pauses
        .of(sms)
        .lifted()
        .then(() => (isLifted = true))
      await answers([sms, email])
      assert.equal(isLifted, false)
      await answers([])
      assert.equal(isLifted, true)
      await answers([sms])
    }
  })

  test('hold as they were heard last while nobody can answer, and say so once', async () => {
    const { paused, told, answers } = await watching([sms])
    told()
    await answers(away)
    await answers(away)
    assert.deepEqual(paused(), [true, false])
    await answers([])
    await answers(new Error('no such table'))
    assert.deepEqual(paused(), [false, false])
    assert.deepEqual(told(), ['unreadable', 'sms open', 'unreadable'])
  })

  test('are all assumed until the first answer', async () => {
    const { paused, told, answers } = await watching(away)
    assert.deepEqual(paused(), [true, true])
    await answers([email])
    assert.deepEqual(paused(), [false, true])
    assert.deepEqual(told(), ['unreadable', 'sms open at first', 'email paused at first'])
  })

  test('that cannot be read for another reason than a lost database keep the process from starting', async () => {
    await assert.rejects(watching(new Error('no such table')), /no such table/)
  })

  test('are asked for no more after the stop', async () => {
    const { pauses, asked, answers } = await watching([])
    await pauses.stop()
    await pauses.stop()
    await answers([sms])
    assert.equal(asked(), 1)
  })

  test('are noticed within a second', () => assert.ok(pausePollMs <= 1_000))
})
