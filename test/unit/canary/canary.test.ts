import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  canaryAddresses,
  canaryCategories,
  canaryDevices,
  canaryTemplate,
  canaryUserId,
} from '../../../src/domain/canary.ts'
import { channels, lanes } from '../../../src/domain/channel.ts'
import { isDeviceToken, isE164, isEmailAddress } from '../../../src/domain/contact-address.ts'
import type { NotificationRequested } from '../../../src/domain/notification.ts'
import { createCanary, type CanaryObservation, type CanaryPorts } from '../../../src/services/canary/canary.ts'

const everyMs = 60_000
const sha256 = (input: Uint8Array) => createHash('sha256').update(input).digest()

/** A canary in a world where only its own sleeping takes time, looked at for so long. */
async function observe(forMs: number, given: Partial<CanaryPorts> = {}) {
  let nowMs = 1_000_000
  let ids = 0
  const published: { lane: string; event: NotificationRequested; atMs: number }[] = []
  const observed: CanaryObservation[] = []
  const stopping = new AbortController()
  const canary = createCanary(everyMs, {
    publish: (lane, event) => {
      published.push({ lane, event, atMs: nowMs })
      return Promise.resolve()
    },
    findSent: () => Promise.resolve(new Map()),
    newNotificationId: () => `01939c5a-6e00-7000-8000-${String((ids += 1)).padStart(12, '0')}`,
    sha256,
    now: () => nowMs,
    clock: () => nowMs,
    sleep: (ms) => {
      nowMs += ms
      if (nowMs >= 1_000_000 + forMs) stopping.abort()
      return Promise.resolve()
    },
    observe: (observation) => void observed.push(observation),
    ...given,
  })
  await canary.run(stopping.signal)
  const of = (kind: CanaryObservation['kind']) => observed.filter((each) => each.kind === kind)
  return { published, of }
}

const all = lanes.length * channels.length

describe('the canary', () => {
  test('goes out over each lane at once and then every minute, each time as another notification', async () => {
    const { published } = await observe(3 * everyMs)
    assert.deepEqual(
      published.map(({ lane, atMs }) => [lane, atMs - 1_000_000]),
      [0, everyMs, 2 * everyMs].flatMap((atMs) => lanes.map((lane) => [lane, atMs])),
    )
    assert.equal(new Set(published.map(({ event }) => event.notificationId)).size, published.length)
    for (const { lane, event } of published) assert.equal(event.category, `fanfare-canary-${lane}`)
  })

  test('has arrived by each channel once its delivery is sent, with the time that it took, and only once', async () => {
    const sentAtMs = 1_000_000 + 250
    const { of } = await observe(everyMs, {
      findSent: (ids) => Promise.resolve(new Map(ids.map((id) => [id, sentAtMs]))),
    })
    const arrived = of('arrived')
    assert.equal(arrived.length, all)
    assert.ok(arrived.every((each) => each.kind === 'arrived' && each.latencyMs === 250))
    assert.equal(of('missing').length, 0)
  })

  test('is missing when its time is over, and is asked for no more', async () => {
    let asked = 0
    const { of } = await observe(25 * everyMs, {
      findSent: (ids) => {
        asked = Math.max(asked, ids.length)
        return Promise.resolve(new Map())
      },
    })
    // Ten minutes of them are on their way at most.
    assert.ok(asked <= all * 12, `${asked}`)
    assert.ok(of('missing').length >= all * 13)
  })

  test('goes on while Kafka or Postgres is away, and notices what was published although nobody acknowledged it', async () => {
    const { of } = await observe(everyMs, {
      publish: () => Promise.reject(new Error('kafka is away')),
      findSent: (ids) => Promise.resolve(new Map(ids.map((id) => [id, 1_000_100]))),
    })
    assert.equal(of('unavailable').length, lanes.length)
    assert.equal(of('sent_out').length, 0)
    assert.equal(of('arrived').length, all)
    const deaf = await observe(everyMs, { findSent: () => Promise.reject(new Error('postgres is away')) })
    assert.ok(deaf.of('unavailable').length > 10)
    assert.equal(deaf.of('sent_out').length, lanes.length)
  })

  test('has addresses that the router takes for such, and a person, categories and a template that fit', () => {
    assert.ok(isE164(canaryAddresses.sms))
    assert.ok(isEmailAddress(canaryAddresses.email))
    for (const { platform } of canaryDevices) assert.ok(isDeviceToken(platform, canaryAddresses[platform]))
    assert.ok(Number.isSafeInteger(canaryUserId))
    for (const category of canaryCategories) {
      assert.equal(category.templateId, canaryTemplate.templateId)
      for (const channel of category.channels) {
        assert.ok(
          canaryTemplate.contents.some(({ content }) => content.channel === channel),
          channel,
        )
      }
    }
  })
})
