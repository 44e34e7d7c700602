import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { agesMax, createAppDirectory, type KnownApp } from '../../../src/services/gateway/app-directory.ts'

function anApp(appKey: string): KnownApp {
  return { appKey, scopes: [], categories: null, channels: null, rateLimitPerSecond: 1, secrets: [] }
}

/** A database of apps, and a clock that only the test moves. */
function world(...keys: string[]) {
  const state = { nowMs: 0, loads: 0, away: false, apps: keys.map(anApp), slept: [] as number[] }
  const directory = createAppDirectory({
    loadApps: async () => {
      state.loads += 1
      if (state.away) throw new DependencyUnavailable('postgres', '57P03')
      return state.apps
    },
    clock: () => state.nowMs,
    sleep: (ms) => {
      state.slept.push(ms)
      state.nowMs += ms
      return Promise.resolve()
    },
  })
  return { state, directory }
}

describe('the directory of apps', () => {
  test('loads all of them once for whoever asks at once, also for a key that nobody has', async () => {
    const { state, directory } = world('shop')
    const found = await Promise.all(['shop', 'nobody', 'shop'].map((key) => directory.find(key)))
    assert.deepEqual(
      found.map((app) => app?.appKey),
      ['shop', undefined, 'shop'],
    )
    assert.equal(state.loads, 1)
  })

  test('answers from what is known, and loads anew behind it before that is too old', async () => {
    const { state, directory } = world('shop')
    await directory.find('shop')
    state.nowMs = agesMax.fresh
    await directory.find('shop')
    assert.equal(state.loads, 1)
    state.apps = []
    state.nowMs = agesMax.fresh + 1
    assert.ok((await directory.find('shop')) !== undefined, 'whoever asks does not wait')
    assert.equal(state.loads, 2)
    assert.equal(await directory.find('shop'), undefined)
  })

  test('never answers from what is older than the limit', async () => {
    const { state, directory } = world('shop')
    await directory.find('shop')
    state.apps = []
    state.nowMs = agesMax.known + 1
    assert.equal(await directory.find('shop'), undefined)
  })

  test('bears a database that is away for a moment, and lets nobody in after it', async () => {
    const { state, directory } = world('shop')
    await directory.find('shop')
    state.away = true
    state.nowMs = agesMax.stale
    assert.equal((await directory.find('shop'))?.appKey, 'shop')
    state.nowMs = agesMax.stale + 1
    await assert.rejects(directory.find('shop'), DependencyUnavailable)
    state.away = false
    assert.equal((await directory.find('shop'))?.appKey, 'shop')
  })

  test('lets nobody in who cannot be known from the start', async () => {
    const { state, directory } = world('shop')
    state.away = true
    await assert.rejects(directory.find('shop'), DependencyUnavailable)
  })

  test('finds what is new for credentials that are not known, once in a while for all of them together', async () => {
    const { state, directory } = world()
    assert.equal(await directory.find('shop'), undefined)
    state.apps = [anApp('shop')]
    state.nowMs = 10
    const found = await Promise.all(['shop', 'nobody', 'shop'].map((key) => directory.findAnew(key)))
    assert.deepEqual(
      found.map((app) => app?.appKey),
      ['shop', undefined, 'shop'],
    )
    assert.equal(state.loads, 2)
    assert.equal(state.slept[0], agesMax.guessed - 10)
  })

  test('does not take the answer of a load that was under way for new', async () => {
    const loads: PromiseWithResolvers<KnownApp[]>[] = []
    let nowMs = 0
    const directory = createAppDirectory({
      loadApps: () => {
        const load = Promise.withResolvers<KnownApp[]>()
        loads.push(load)
        return load.promise
      },
      clock: () => nowMs,
      sleep: () => Promise.resolve(),
    })
    const first = directory.find('shop')
    nowMs = 50
    const anew = directory.findAnew('shop')
    loads[0]?.resolve([])
    assert.equal(await first, undefined)
    // A turn of the event loop, in which the second load begins.
    await new Promise(setImmediate)
    loads[1]?.resolve([anApp('shop')])
    assert.equal((await anew)?.appKey, 'shop')
  })
})
