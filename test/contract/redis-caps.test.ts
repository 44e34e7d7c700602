import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createCaps, graceMs, type Caps } from '../../src/redis/caps.ts'
import type { CapAnswer, CapRequest } from '../../src/domain/throttle.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

describe('caps', () => {
  let redis: Redis
  let clockMs = 0
  let caps: Caps
  const failures: string[] = []

  before(async () => {
    redis = connectRedis({ url: readStackEnvironment().redisUrl, lost: () => {} })
    assert.ok(await untilRedisReady(redis, 5_000))
    caps = createCaps({
      redis,
      keyPrefix: `${randomUUID()}.`,
      failed: (operation, code) => failures.push(`${operation} ${code}`),
      now: () => clockMs,
    })
  })

  after(() => redis.disconnect())

  let lastUser = 0
  /** Somebody who has got nothing yet, at noon. */
  function newPerson(): number {
    clockMs = Date.now()
    return ++lastUser
  }

  function ask(choices: Partial<CapRequest> & { userId: number }): CapRequest {
    return {
      member: randomUUID(),
      category: 'offers',
      categoryCaps: [],
      userCaps: [],
      expiresAtMs: clockMs + 6 * dayMs,
      overCap: 'defer',
      quietWindows: [],
      ...choices,
    }
  }

  async function reserve(request: CapRequest): Promise<CapAnswer> {
    const [answer] = await caps.reserve([request])
    assert.ok(answer !== undefined)
    return answer
  }

  const atMost = (limit: number, windowMs: number) => ({ limit, windowSeconds: windowMs / 1_000 })

  test('let as many pass as they say, and give the next the earliest place after', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(2, hourMs)]
    assert.deepEqual(await reserve(ask({ userId, categoryCaps })), { kind: 'free' })
    const firstAt = clockMs
    clockMs += 10 * minuteMs
    assert.deepEqual(await reserve(ask({ userId, categoryCaps })), { kind: 'free' })
    const over = await reserve(ask({ userId, categoryCaps }))
    assert.deepEqual(over, { kind: 'reserved', atMs: firstAt + hourMs + graceMs })
  })

  test('count a notification once, however often it asks, and let it pass when its time has come', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    const first = ask({ userId, categoryCaps })
    assert.deepEqual(await reserve(first), { kind: 'free' })
    assert.deepEqual(await reserve(first), { kind: 'free' })
    const second = ask({ userId, categoryCaps })
    const reserved = await reserve(second)
    assert.ok(reserved.kind === 'reserved')
    assert.deepEqual(await reserve(second), reserved)
    clockMs = reserved.atMs + graceMs
    assert.deepEqual(await reserve(second), { kind: 'free' })
  })

  test('see the others of the same chunk', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    const answers = await caps.reserve([1, 2, 3].map(() => ask({ userId, categoryCaps })))
    const gap = hourMs + graceMs
    assert.deepEqual(answers, [
      { kind: 'free' },
      { kind: 'reserved', atMs: clockMs + gap },
      { kind: 'reserved', atMs: clockMs + 2 * gap },
    ])
  })

  test('hold all at once: several windows, and those of the person over all categories', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(2, hourMs), atMost(3, dayMs)]
    const userCaps = [atMost(4, dayMs)]
    const start = clockMs
    const answers = await caps.reserve(
      ['offers', 'offers', 'offers', 'news', 'offers'].map((category) =>
        ask({ userId, category, categoryCaps, userCaps }),
      ),
    )
    assert.deepEqual(answers, [
      { kind: 'free' },
      { kind: 'free' },
      { kind: 'reserved', atMs: start + hourMs + graceMs },
      { kind: 'free' },
      { kind: 'reserved', atMs: start + dayMs + graceMs },
    ])
  })

  test('never put a place into quiet hours', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    await reserve(ask({ userId, categoryCaps }))
    const quiet = { from: clockMs + 30 * minuteMs, until: clockMs + 8 * hourMs }
    const answer = await reserve(ask({ userId, categoryCaps, quietWindows: [quiet] }))
    assert.deepEqual(answer, { kind: 'reserved', atMs: quiet.until })
  })

  test('use a free place although another one is reserved far ahead', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    const quiet = { from: clockMs - 1, until: clockMs + 10 * hourMs }
    const far = await reserve(ask({ userId, categoryCaps, quietWindows: [quiet] }))
    assert.deepEqual(far, { kind: 'reserved', atMs: quiet.until })
    assert.deepEqual(await reserve(ask({ userId, categoryCaps })), { kind: 'free' })
  })

  test('tell what comes too late for its expiry, and what the category does not wait for', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    await reserve(ask({ userId, categoryCaps }))
    assert.deepEqual(await reserve(ask({ userId, categoryCaps, expiresAtMs: clockMs + hourMs })), { kind: 'expires' })
    assert.deepEqual(await reserve(ask({ userId, categoryCaps, overCap: 'drop' })), { kind: 'full' })
    assert.deepEqual(
      await reserve(ask({ userId, categoryCaps })),
      { kind: 'reserved', atMs: clockMs + hourMs + graceMs },
      'neither of the two has a place',
    )
  })

  test('give the place of a cancelled notification to the next', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, hourMs)]
    const cancelled = ask({ userId, categoryCaps, userCaps: [atMost(1, hourMs)] })
    await reserve(cancelled)
    await caps.release(cancelled)
    assert.deepEqual(await reserve(ask({ userId, categoryCaps, userCaps: [atMost(1, hourMs)] })), { kind: 'free' })
  })

  test('starve nobody whose return is a little late each time', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(1, minuteMs)]
    const waiting = Array.from({ length: 20 }, () => ({ request: ask({ userId, categoryCaps }), atMs: clockMs }))
    let sent = 0
    let asks = 0
    while (waiting.length > 0) {
      waiting.sort((a, b) => a.atMs - b.atMs)
      const next = waiting.shift()!
      clockMs = Math.max(clockMs, next.atMs + 1_500)
      asks += 1
      const answer = await reserve(next.request)
      if (answer.kind === 'free') sent += 1
      else if (answer.kind === 'reserved') waiting.push({ ...next, atMs: answer.atMs })
    }
    assert.equal(sent, 20)
    assert.ok(asks <= 40, `${asks} asks`)
  })

  test('agree with whoever counts by hand, whatever is asked in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ limit: fc.integer({ min: 1, max: 3 }), windowSeconds: fc.integer({ min: 1, max: 600 }) }),
          {
            minLength: 1,
            maxLength: 3,
          },
        ),
        fc.array(
          fc.record({
            waitMs: fc.nat(200_000),
            quietMs: fc.nat(300_000),
            // Asked together: each sees those before it.
            expiriesMs: fc.array(fc.nat(4_000_000), { minLength: 1, maxLength: 4 }),
          }),
          { minLength: 1, maxLength: 25 },
        ),
        async (categoryCaps, steps) => {
          const userId = newPerson()
          const taken: number[] = []
          for (const { waitMs, quietMs, expiriesMs } of steps) {
            clockMs += waitMs
            const quietWindows = [{ from: clockMs + 50_000, until: clockMs + 50_000 + quietMs }]
            const requests = expiriesMs.map((expiresMs) =>
              ask({ userId, categoryCaps, quietWindows, expiresAtMs: clockMs + expiresMs + 1 }),
            )
            const answers = await caps.reserve(requests)
            const expected = requests.map(({ expiresAtMs }): CapAnswer => {
              const atMs = earliestByHand({ clockMs, taken, categoryCaps, quietWindows })
              if (atMs >= expiresAtMs) return { kind: 'expires' }
              taken.push(atMs)
              return atMs === clockMs ? { kind: 'free' } : { kind: 'reserved', atMs }
            })
            assert.deepEqual(answers, expected)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('of 10,000 notifications for one person at once are counted within what Redis is waited for', async () => {
    const userId = newPerson()
    const categoryCaps = [atMost(100, minuteMs)]
    const userCaps = [atMost(5_000, hourMs)]
    const answers: CapAnswer[] = []
    for (let chunk = 0; chunk < 20; chunk += 1) {
      answers.push(...(await caps.reserve(Array.from({ length: 500 }, () => ask({ userId, categoryCaps, userCaps })))))
    }
    // Else nobody would have counted, and all of them would have gone out.
    assert.deepEqual(failures, [])
    const places = answers.map((answer) => (answer.kind === 'reserved' ? answer.atMs : clockMs))
    assert.equal(answers.filter(({ kind }) => kind === 'free').length, 100)
    assert.ok(places.every((at, place) => place < 100 || at - places[place - 100]! >= minuteMs))
  })

  test('say that nobody can count where Redis is away', async () => {
    const away = connectRedis({ url: 'redis://127.0.0.1:1', lost: () => {} })
    const told: string[] = []
    const uncounted = createCaps({ redis: away, keyPrefix: '', failed: (operation) => told.push(operation) })
    assert.deepEqual(await uncounted.reserve([ask({ userId: 1 })]), [{ kind: 'unavailable' }])
    assert.deepEqual(told, ['reserve'])
    away.disconnect()
  })
})

interface ByHand {
  clockMs: number
  taken: readonly number[]
  categoryCaps: readonly { limit: number; windowSeconds: number }[]
  quietWindows: readonly { from: number; until: number }[]
}

/** Tries every moment that could be the earliest: now, the ends of quiet, and a window after each place. */
function earliestByHand({ clockMs, taken, categoryCaps, quietWindows }: ByHand): number {
  const spans = categoryCaps.map(({ limit, windowSeconds }) => ({ limit, spanMs: windowSeconds * 1_000 + graceMs }))
  const candidates = [
    clockMs,
    ...quietWindows.map(({ until }) => until),
    ...taken.flatMap((place) => spans.map(({ spanMs }) => place + spanMs)),
  ].filter((candidate) => candidate >= clockMs)
  return Math.min(...candidates.filter((candidate) => isAllowed(candidate)))

  function isAllowed(candidate: number): boolean {
    if (quietWindows.some(({ from, until }) => from <= candidate && candidate < until)) return false
    return spans.every(({ limit, spanMs }) => {
      const all = [...taken, candidate]
      return all.every((start) => all.filter((place) => place >= start && place < start + spanMs).length <= limit)
    })
  }
}
