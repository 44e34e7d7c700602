import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createGate } from '../../../src/services/sender/gate.ts'

/** A gate whose clock and sleeps the test drives. */
function gateWith(given: number | (() => number)) {
  let nowMs = 0
  let isPaused = false
  const lifted = Promise.withResolvers<void>()
  const sleeps: { ms: number; wake: () => void }[] = []
  const gate = createGate({
    concurrency: typeof given === 'number' ? () => given : given,
    pause: { paused: () => isPaused, lifted: () => lifted.promise },
    clock: () => nowMs,
    sleep: (ms) =>
      new Promise((resolve) => {
        sleeps.push({ ms, wake: resolve })
      }),
  })
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    gate,
    settle,
    sleepsUnderWay: () => sleeps.length,
    pauseChannel: () => (isPaused = true),
    resumeChannel: async () => {
      isPaused = false
      lifted.resolve()
      await settle()
    },
    pass: async (ms: number) => {
      nowMs += ms
      for (const sleep of sleeps.splice(0)) sleep.wake()
      await settle()
    },
  }
}
const never = new AbortController().signal

describe('the gate', () => {
  test('never admits more than the concurrency', async () => {
    const { gate } = gateWith(10)
    assert.equal(await gate.admit(500, never), 10)
    let admitted = 0
    const waiting = gate.admit(500, never).then((places) => (admitted = places))
    gate.release(3)
    assert.equal(await waiting, 3)
    assert.equal(admitted, 3)
  })

  test('admits nobody while it was lowered below those who are inside, and goes on as they leave', async () => {
    let concurrency = 10
    const { gate, settle } = gateWith(() => concurrency)
    assert.equal(await gate.admit(500, never), 10)
    concurrency = 4
    let admitted: number | undefined
    const waiting = gate.admit(500, never).then((places) => (admitted = places))
    gate.release(6)
    await settle()
    assert.equal(admitted, undefined, 'four are still inside')
    gate.release(1)
    assert.equal(await waiting, 1)
  })

  test('admits more as soon as it is raised', async () => {
    let concurrency = 2
    const { gate } = gateWith(() => concurrency)
    assert.equal(await gate.admit(500, never), 2)
    concurrency = 5
    assert.equal(await gate.admit(500, never), 3)
  })

  test('gathers places for a moment, so that one claim serves many', async () => {
    const { gate, settle, sleepsUnderWay, pass } = gateWith(100)
    assert.equal(await gate.admit(100, never), 100)
    let admitted: number | undefined
    const waiting = gate.admit(100, never).then((places) => (admitted = places))
    gate.release(1)
    await settle()
    assert.equal(admitted, undefined)
    assert.equal(sleepsUnderWay(), 1)
    gate.release(9)
    await pass(5)
    await waiting
    assert.equal(admitted, 10)
  })

  test('admits nobody while it is held, and goes on afterwards', async () => {
    const { gate, settle, pass } = gateWith(10)
    gate.hold(1_000)
    assert.equal(gate.closed(), true)
    let admitted: number | undefined
    const waiting = gate.admit(4, never).then((places) => (admitted = places))
    await settle()
    assert.equal(admitted, undefined)
    await pass(1_000)
    await waiting
    assert.equal(admitted, 4)
    assert.equal(gate.closed(), false)
  })

  test('admits nobody while its channel is paused, and goes on as soon as it is resumed', async () => {
    const { gate, settle, pass, pauseChannel, resumeChannel } = gateWith(10)
    pauseChannel()
    let admitted: number | undefined
    void gate.admit(4, never).then((places) => (admitted = places))
    await settle()
    await pass(3_600_000)
    assert.deepEqual([admitted, gate.paused(), gate.closed()], [undefined, true, true])
    await resumeChannel()
    assert.deepEqual([admitted, gate.paused(), gate.closed()], [4, false, false])
  })

  test('admits nobody whose channel was paused while they waited for places', async () => {
    const { gate, settle, pauseChannel, resumeChannel } = gateWith(1)
    await gate.admit(1, never)
    let admitted: number | undefined
    void gate.admit(1, never).then((places) => (admitted = places))
    await settle()
    pauseChannel()
    gate.release(1)
    await settle()
    assert.equal(admitted, undefined)
    await resumeChannel()
    assert.equal(admitted, 1)
  })

  test('admits nobody whose account was refused while they waited for places', async () => {
    const { gate, settle, pass } = gateWith(1)
    await gate.admit(1, never)
    let admitted: number | undefined
    void gate.admit(1, never).then((places) => (admitted = places))
    await settle()
    gate.hold(1_000)
    gate.release(1)
    await settle()
    assert.equal(admitted, undefined)
    await pass(1_000)
    assert.equal(admitted, 1)
  })

  test('lets go of whoever waits when it is told to', async () => {
    const { gate } = gateWith(1)
    await gate.admit(1, never)
    const stop = new AbortController()
    const waiting = gate.admit(1, stop.signal)
    stop.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
  })

  test('lets go of whoever waits for a paused channel', async () => {
    const { gate, pauseChannel } = gateWith(1)
    pauseChannel()
    const stop = new AbortController()
    const waiting = gate.admit(1, stop.signal)
    stop.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
  })
})
