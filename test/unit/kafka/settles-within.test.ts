import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commitBeforeLeaving } from '../../../src/kafka/final-commit.ts'
import { settlesWithin } from '../../../src/kafka/settles-within.ts'

describe('a bounded wait', () => {
  test('tells whether the work settled, in whichever way', async () => {
    assert.equal(await settlesWithin(1_000, Promise.resolve()), true)
    assert.equal(await settlesWithin(1_000, Promise.reject(new Error('failed'))), true)
  })

  test('ends at its limit, and lets the work fail later', async () => {
    const { promise, reject } = Promise.withResolvers<void>()
    assert.equal(await settlesWithin(1, promise), false)
    reject(new Error('late'))
  })

  test('leaves no timer behind that would hold the process', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await settlesWithin(60_000, Promise.resolve())
    assert.equal(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length, before)
  })
})

describe('the last commit', () => {
  test('is tried until it succeeds', async () => {
    let attempts = 0
    await commitBeforeLeaving(async () => {
      attempts += 1
      return attempts === 3
    })
    assert.equal(attempts, 3)
  })

  test('is given up in bounded time where it hangs', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const leaving = commitBeforeLeaving(() => new Promise(() => {}))
    t.mock.timers.tick(3_000)
    await leaving
  })
})
