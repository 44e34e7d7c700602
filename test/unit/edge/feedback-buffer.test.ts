import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import {
  createFeedbackBuffer,
  type FeedbackBufferLimits,
  type FeedbackObservation,
} from '../../../src/services/edge/feedback-buffer.ts'
import { observedFeedback } from '../../../src/services/edge/observed-feedback.ts'
import { deliveryIdAt, edgeNowMs } from '../../support/builders/edge.ts'

const opened = (name: string) =>
  observedFeedback(deliveryIdAt(edgeNowMs, name), { kind: 'opened', automatic: false }, edgeNowMs)
const optedOut = (name: string) =>
  observedFeedback(
    deliveryIdAt(edgeNowMs, name),
    { kind: 'unsubscribed', category: 'weekly-offers', left: 'email:weekly-offers' },
    edgeNowMs,
  )

interface Broker {
  publish(feedback: readonly ProviderFeedback[]): Promise<void>
}

/** A buffer whose waits end when the test says so: `wake` ends the longest one that is under way. */
function bufferOver(broker: Broker, limits: Partial<FeedbackBufferLimits> = {}) {
  const observed: FeedbackObservation[] = []
  const waits: { ms: number; end: () => void }[] = []
  const asked: PromiseWithResolvers<void>[] = []
  const buffer = createFeedbackBuffer(
    { reportsMax: 100, reservedReports: 10, drainBudgetMs: 5_000, ...limits },
    {
      publish: broker.publish,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          waits.push({ ms, end: resolve })
          if (signal.aborted) resolve()
          else signal.addEventListener('abort', () => resolve(), { once: true })
          asked.shift()?.resolve()
        }),
      observe: (observation) => observed.push(observation),
    },
  )
  /** Resolves when the buffer waits the next time. */
  const nextWait = () => {
    const waiting = Promise.withResolvers<void>()
    asked.push(waiting)
    return waiting.promise
  }
  const outcomes = () => observed.flatMap((each) => (each.kind === 'feedback' ? [each.outcome] : []))
  return { buffer, observed, waits, nextWait, outcomes }
}

const away = () => Promise.reject(new DependencyUnavailable('kafka', 'ECONNREFUSED'))

describe('the buffer of reports', () => {
  test('takes at once, and publishes together what came together', async () => {
    const batches: string[][] = []
    const { buffer, outcomes } = bufferOver({
      publish: async (feedback) => void batches.push(feedback.map(({ feedbackId }) => feedbackId)),
    })
    const reports = ['a', 'b', 'c'].map(opened)
    assert.deepEqual(
      reports.map((report) => buffer.offer(report)),
      ['taken', 'taken', 'taken'],
    )
    assert.equal(buffer.size(), 3)
    await buffer.close()
    assert.deepEqual(batches, [reports.map(({ feedbackId }) => feedbackId)])
    assert.equal(buffer.size(), 0)
    assert.deepEqual(outcomes(), ['taken', 'taken', 'taken', 'published', 'published', 'published'])
  })

  test('publishes what was taken while the broker was away, in its order and once', async () => {
    let isAway = true
    const published: string[] = []
    const { buffer, waits, nextWait, observed } = bufferOver({
      publish: async (feedback) => {
        if (isAway) return away()
        published.push(...feedback.map(({ feedbackId }) => feedbackId))
      },
    })
    const first = nextWait()
    buffer.offer(opened('a'))
    await first
    buffer.offer(optedOut('b'))
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const next = nextWait()
      waits.at(-1)!.end()
      await next
    }
    isAway = false
    waits.at(-1)!.end()
    await buffer.close()
    assert.deepEqual(published, [opened('a').feedbackId, optedOut('b').feedbackId])
    // Longer and longer, up to a limit; the last wait is the budget of the stop.
    assert.deepEqual(
      waits.slice(0, -1).map(({ ms }) => ms),
      [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
    )
    assert.equal(observed.filter(({ kind }) => kind === 'unavailable').length, 8)
  })

  test('drops opens and clicks when it is full, and opt-outs only when the room kept for them is full too', async () => {
    const { buffer, waits } = bufferOver({ publish: away }, { reportsMax: 5, reservedReports: 2 })
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    assert.deepEqual(
      names.map((name) => buffer.offer(opened(name))),
      ['taken', 'taken', 'taken', 'dropped', 'dropped', 'dropped'],
    )
    assert.deepEqual(
      names.map((name) => buffer.offer(optedOut(name))),
      ['taken', 'taken', 'dropped', 'dropped', 'dropped', 'dropped'],
    )
    const closing = buffer.close()
    waits.find(({ ms }) => ms === 5_000)?.end()
    await closing
  })

  test('takes an event that was dropped when it comes again and there is room', async () => {
    const answers: (() => void)[] = []
    const { buffer } = bufferOver(
      { publish: () => new Promise((resolve) => answers.push(resolve)) },
      { reportsMax: 1, reservedReports: 0 },
    )
    buffer.offer(opened('a'))
    assert.equal(buffer.offer(opened('b')), 'dropped')
    await Promise.resolve()
    answers[0]!()
    await new Promise(setImmediate)
    assert.equal(buffer.offer(opened('b')), 'taken')
    await new Promise(setImmediate)
    answers[1]!()
    await buffer.close()
  })

  test('publishes an event once, however often it is reported', async () => {
    let count = 0
    const { buffer } = bufferOver({ publish: async (feedback) => void (count += feedback.length) })
    assert.deepEqual(
      [1, 2, 3].map(() => buffer.offer(opened('a'))),
      ['taken', 'repeated', 'repeated'],
    )
    await buffer.close()
    assert.equal(count, 1)
  })

  test('loses one that the broker refuses, and none of its neighbours', async () => {
    const published: string[] = []
    const { buffer, outcomes } = bufferOver({
      publish: async (feedback) => {
        await Promise.resolve()
        if (feedback.some(({ deliveryId }) => deliveryId === deliveryIdAt(edgeNowMs, 'bad')))
          throw new Error('too large')
        published.push(...feedback.map(({ feedbackId }) => feedbackId))
      },
    })
    for (const name of ['a', 'b', 'bad', 'c', 'd']) buffer.offer(opened(name))
    await buffer.close()
    assert.deepEqual(published.toSorted(), ['a', 'b', 'c', 'd'].map((name) => opened(name).feedbackId).toSorted())
    assert.equal(outcomes().filter((outcome) => outcome === 'refused').length, 1)
    assert.equal(buffer.size(), 0)
  })

  test('stops within its budget when the broker stays away, and counts what it gives up', async () => {
    const { buffer, waits, nextWait, outcomes } = bufferOver({ publish: away })
    const first = nextWait()
    for (const name of ['a', 'b']) buffer.offer(opened(name))
    await first
    buffer.offer(optedOut('c'))
    const closing = buffer.close()
    assert.equal(waits.at(-1)?.ms, 5_000)
    waits.at(-1)!.end()
    await closing
    await new Promise(setImmediate)
    assert.equal(outcomes().filter((outcome) => outcome === 'abandoned').length, 3)
    assert.equal(buffer.offer(opened('d')), 'dropped')
    await buffer.close()
  })
})
