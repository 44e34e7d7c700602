import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { RequestChannel } from '../../src/domain/channel.ts'
import { softBounceLimit, suppressionCauses, type Suppression } from '../../src/domain/suppression.ts'
import { createAddressHygiene, type AddressHygiene } from '../../src/postgres/address-hygiene.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { writeOptOuts } from '../../src/postgres/opt-outs.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { createSuppressions } from '../../src/postgres/suppressions.ts'
import { createWebhookReceipts } from '../../src/postgres/webhook-receipts.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let pool: HotPathPool
let hygiene: AddressHygiene
let addressHash: Uint8Array

before(async () => {
  database = await createTestDatabase()
  pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
  hygiene = createAddressHygiene(pool)
})
after(async () => {
  await pool.close()
  await database.drop()
})
// A new address for each test.
beforeEach(() => {
  addressHash = Buffer.from(randomUUID().padEnd(32, '0').slice(0, 32))
})

const suppression = (choices: Partial<Suppression> = {}): Suppression => ({
  channel: 'sms',
  addressHash,
  scope: 'all',
  cause: 'stop',
  sinceMs: 1_000,
  ...choices,
})
const causes = async () => {
  const rows = await database.query<{ reason: string }>(
    'select reason from suppressions where address_hash = $1 order by reason',
    [addressHash],
  )
  return rows.map(({ reason }) => reason)
}
const isSuppressed = async (channel: RequestChannel = 'sms', category = 'offers') =>
  (await createSuppressions(pool).findSuppressed([{ channel, addressHash, category }]))[0]

describe('an address that is suppressed', () => {
  test('is found by routers, on that channel alone', async () => {
    await hygiene.suppress([suppression()])
    assert.equal(await isSuppressed(), true)
    assert.equal(await isSuppressed('email'), false)
  })

  test('in one category is free for the others', async () => {
    await hygiene.suppress([suppression({ scope: 'offers', cause: 'unsubscribed' })])
    assert.equal(await isSuppressed('sms', 'offers'), true)
    assert.equal(await isSuppressed('sms', 'receipts'), false)
  })

  test('for several causes has a row for each, and START takes back the STOP alone', async () => {
    await hygiene.suppress(suppressionCauses.map((cause) => suppression({ cause })))
    await hygiene.liftStops([{ channel: 'sms', addressHash, untilMs: 2_000 }])
    assert.deepEqual(await causes(), suppressionCauses.filter((cause) => cause !== 'stop').toSorted())
  })

  test('twice is suppressed once, since the later moment', async () => {
    for (const sinceMs of [2_000, 1_000, 3_000]) await hygiene.suppress([suppression({ sinceMs })])
    const rows = await database.query<{ since: Date }>(
      'select created_at as since from suppressions where address_hash = $1',
      [addressHash],
    )
    assert.deepEqual(
      rows.map(({ since }) => since.getTime()),
      [3_000],
    )
  })

  test('stays so by a STOP that came after the START, in whichever order both are written', async () => {
    const start = { channel: 'sms', untilMs: 2_000 } as const
    await hygiene.suppress([suppression({ sinceMs: 3_000 })])
    await hygiene.liftStops([{ ...start, addressHash }])
    assert.equal(await isSuppressed(), true)
    await hygiene.liftStops([{ ...start, addressHash, untilMs: 3_000 }])
    assert.equal(await isSuppressed(), false)
  })
})

describe('soft bounces', () => {
  const hourMs = 3_600_000
  const bounce = (occurredAtMs: number, feedbackId: string = randomUUID()) => ({
    channel: 'email' as const,
    addressHash,
    feedbackId,
    occurredAtMs,
  })
  const firstMs = Date.UTC(2026, 8, 21, 8)
  const { count, windowMs } = softBounceLimit
  const burst = Array.from({ length: count }, (_, at) => firstMs + at * hourMs)

  test(`suppress the address with the ${count}th within the window`, async () => {
    for (const atMs of burst.slice(1)) await hygiene.recordSoftBounces([bounce(atMs)])
    assert.equal(await isSuppressed('email'), false)
    await hygiene.recordSoftBounces([bounce(burst[0]!)])
    assert.deepEqual(await causes(), ['soft_bounces'])
  })

  test('of one chunk count like those of several', async () => {
    await hygiene.recordSoftBounces(burst.map((atMs) => bounce(atMs)))
    assert.deepEqual(await causes(), ['soft_bounces'])
  })

  test('further apart than the window do not', async () => {
    const apartMs = Math.ceil(windowMs / (count - 1))
    for (let at = 0; at < 2 * count; at += 1) await hygiene.recordSoftBounces([bounce(firstMs + at * apartMs)])
    assert.deepEqual(await causes(), [])
  })

  test('that come late count in every window that holds them', async () => {
    const late = burst[count - 2]!
    for (const atMs of burst) if (atMs !== late) await hygiene.recordSoftBounces([bounce(atMs)])
    assert.deepEqual(await causes(), [])
    await hygiene.recordSoftBounces([bounce(late)])
    assert.deepEqual(await causes(), ['soft_bounces'])
  })

  test('reported twice count once', async () => {
    for (let time = 0; time < 2 * count; time += 1) await hygiene.recordSoftBounces([bounce(firstMs, 'the same')])
    assert.deepEqual(await causes(), [])
  })

  test('of long ago do not suppress again what an operator has lifted', async () => {
    for (const atMs of burst) await hygiene.recordSoftBounces([bounce(atMs)])
    await database.query('delete from suppressions where address_hash = $1', [addressHash])
    await hygiene.recordSoftBounces([bounce(firstMs + windowMs + count * hourMs)])
    assert.deepEqual(await causes(), [])
  })
})

describe('a device whose token is dead', () => {
  const tokenOf = () => Buffer.from(addressHash).toString('hex')
  async function register(userId: number, registeredAtMs: number): Promise<void> {
    await database.query('insert into users (user_id) values ($1) on conflict do nothing', [userId])
    await database.query(
      `insert into devices (device_id, user_id, platform, token, registered_at)
       values ($1, $2, 'ios', $3, to_timestamp($4 / 1000.0))`,
      [randomUUID(), userId, tokenOf(), registeredAtMs],
    )
  }
  const devicesOf = async (userId: number) =>
    (await createProfiles(pool).loadProfiles([userId])).get(userId)?.devices.length
  const versionOf = async (userId: number) => (await createProfiles(pool).loadProfiles([userId])).get(userId)?.version

  test('is not of the profile any more, whose version rises', async () => {
    await register(801, 1_000)
    const before = await versionOf(801)
    assert.deepEqual(await hygiene.invalidateDevices([{ token: tokenOf(), sinceMs: 2_000 }]), [801])
    assert.equal(await devicesOf(801), 0)
    assert.ok((await versionOf(801))! > before!)
  })

  test('is kept where it was registered since the provider knew, or at that very moment', async () => {
    await register(802, 2_000)
    for (const sinceMs of [1_000, 2_000]) {
      assert.deepEqual(await hygiene.invalidateDevices([{ token: tokenOf(), sinceMs }]), [])
    }
    assert.equal(await devicesOf(802), 1)
  })

  test('comes back with its next registration, and an old report does not end it again', async () => {
    await register(803, 1_000)
    const dead = { token: tokenOf(), sinceMs: 2_000 }
    await hygiene.invalidateDevices([dead])
    await database.query('update devices set registered_at = to_timestamp(3), invalidated_at = null where token = $1', [
      tokenOf(),
    ])
    assert.deepEqual(await hygiene.invalidateDevices([dead]), [])
    assert.equal(await devicesOf(803), 1)
  })
})

describe('an opt-out that a provider reported', () => {
  const settingsOf = async (userId: number) => {
    const profile = (await createProfiles(pool).loadProfiles([userId])).get(userId)
    return { channels: profile?.channelOptIns, categories: profile?.categoryOptIns }
  }

  test('is the person’s own setting: of the category, or of the channel', async () => {
    await database.query('insert into users (user_id) values (811)')
    await writeOptOuts(pool, [
      { userId: 811, channel: 'email', category: 'offers' },
      { userId: 811, channel: 'email', category: 'offers' },
      { userId: 811, channel: 'sms', category: null },
    ])
    assert.deepEqual(await settingsOf(811), {
      channels: { sms: false },
      categories: [{ category: 'offers', channel: 'email', optIn: false }],
    })
  })

  test('changes nothing the second time, and nothing for somebody who was erased', async () => {
    await database.query('insert into users (user_id) values (812)')
    const optOuts = [
      { userId: 812, channel: 'email', category: null },
      { userId: 813, channel: 'email', category: null },
      { userId: 813, channel: 'email', category: 'offers' },
    ] as const
    assert.deepEqual(await writeOptOuts(pool, optOuts), [812])
    assert.deepEqual(await writeOptOuts(pool, optOuts), [])
  })
})

describe('the receipt of a webhook', () => {
  test('tells a repeat, and may be kept twice', async () => {
    const receipts = createWebhookReceipts(pool)
    assert.equal(await receipts.isKept(addressHash), false)
    await receipts.keep(addressHash, Date.now() + 60_000)
    await receipts.keep(addressHash, null)
    assert.equal(await receipts.isKept(addressHash), true)
  })
})
