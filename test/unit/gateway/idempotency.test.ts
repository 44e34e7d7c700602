import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import {
  runOnce,
  runUnderKey,
  type GivenIdentity,
  type IdempotencyKeys,
  type KeptRequest,
} from '../../../src/services/gateway/idempotency.ts'

const name = { appKey: 'shop', idempotencyKey: 'order-1' }
const bodyHash = Uint8Array.of(1)

/** As Postgres keeps them, with one lease and no clock. */
function keysInMemory() {
  const state: { kept?: KeptRequest; leased: boolean; away: boolean } = { leased: false, away: false }
  const keys: IdempotencyKeys = {
    find: () => Promise.resolve(state.kept),
    claim: (_name, { bodyHash: given, identities }) => {
      if (state.leased) return Promise.resolve(undefined)
      state.leased = true
      state.kept ??= { bodyHash: given, identities: [...identities], answer: null }
      return Promise.resolve(state.kept.identities)
    },
    answer: (_name, answer) => {
      if (state.away) return Promise.reject(new DependencyUnavailable('postgres', '57P03'))
      if (state.kept !== undefined) state.kept.answer ??= answer
      return Promise.resolve()
    },
    release: () => {
      state.leased = false
      return Promise.resolve()
    },
  }
  return { state, keys }
}

/** Gives out ids one after the other, and notes what is published. */
function work({ fails = false } = {}) {
  const published: string[] = []
  let count = 0
  return {
    published,
    prepare: (identities: readonly GivenIdentity[] | undefined) => {
      count += 1
      const [identity = { notificationId: `id-${count}`, createdAt: count }] = identities ?? []
      return Promise.resolve({ kind: 'ready' as const, prepared: identity.notificationId, identities: [identity] })
    },
    publish: (prepared: string) => {
      if (fails) return Promise.reject(new DependencyUnavailable('kafka', 'SEND_TIMEOUT'))
      published.push(prepared)
      return Promise.resolve({ status: 202, body: prepared })
    },
  }
}

describe('a request under a key', () => {
  test('is published once, and answered alike ever after', async () => {
    const { keys } = keysInMemory()
    const own = work()
    const first = await runUnderKey({ name, bodyHash }, own, keys)
    const second = await runUnderKey({ name, bodyHash }, own, keys)
    assert.deepEqual(first, { kind: 'answered', answer: { status: 202, body: 'id-1' } })
    assert.deepEqual(second, first)
    assert.deepEqual(own.published, ['id-1'])
  })

  test('keeps its identities over a failure, and may be made again at once', async () => {
    const { keys } = keysInMemory()
    await assert.rejects(runUnderKey({ name, bodyHash }, work({ fails: true }), keys), DependencyUnavailable)
    const own = work()
    await own.prepare(undefined)
    await runUnderKey({ name, bodyHash }, own, keys)
    assert.deepEqual(own.published, ['id-1'])
  })

  test('takes the identities of another that came between its look and its claim', async () => {
    const { state, keys } = keysInMemory()
    const own = work()
    const late: IdempotencyKeys = {
      ...keys,
      claim: async (...given) => {
        state.kept = { bodyHash, identities: [{ notificationId: 'first', createdAt: 7 }], answer: null }
        return keys.claim(...given)
      },
    }
    await runUnderKey({ name, bodyHash }, own, late)
    assert.deepEqual(own.published, ['first'])
  })

  test('is refused for another body, and while another is at work', async () => {
    const { state, keys } = keysInMemory()
    state.kept = { bodyHash, identities: [{ notificationId: 'first', createdAt: 7 }], answer: null }
    const other = await runUnderKey({ name, bodyHash: Uint8Array.of(2) }, work(), keys)
    assert.deepEqual(other, { kind: 'refused', refusal: { kind: 'key_reused' } })
    state.leased = true
    const busy = await runUnderKey({ name, bodyHash }, work(), keys)
    assert.equal(busy.kind === 'refused' && busy.refusal.kind, 'conflict')
  })

  test('is answered though its answer cannot be kept: it is published', async () => {
    const { state, keys } = keysInMemory()
    state.away = true
    const own = work()
    assert.equal((await runUnderKey({ name, bodyHash }, own, keys)).kind, 'answered')
    assert.deepEqual(own.published, ['id-1'])
  })

  test('leaves the key free where nothing of it is fit, as without a key', async () => {
    const { state, keys } = keysInMemory()
    const refusal = { kind: 'invalid' as const, faults: [] }
    const unfit = { ...work(), prepare: () => Promise.resolve({ kind: 'refused' as const, refusal }) }
    assert.deepEqual(await runUnderKey({ name, bodyHash }, unfit, keys), { kind: 'refused', refusal })
    assert.equal(state.kept, undefined)
    assert.deepEqual(await runOnce(unfit), { kind: 'refused', refusal })
  })
})
