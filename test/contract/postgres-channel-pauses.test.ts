import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { channels, lanes, type Channel, type Lane } from '../../src/domain/channel.ts'
import { loadChannelPauses, pauseChannel, resumeChannel } from '../../src/postgres/channel-pauses.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const hourMs = 3_600_000

describe('the pauses of channels in Postgres', () => {
  let database: TestDatabase
  let pool: HotPathPool

  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 4 })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })
  beforeEach(() => database.query('delete from channel_pauses'))

  const actionOn = (target: Channel, action: string) => ({ operator: 'ada', action, target, choices: { lanes } })
  const pause = (channel: Channel, of: readonly Lane[] = lanes, more: { durationMs?: number; reason?: string } = {}) =>
    pauseChannel(pool, {
      channel,
      lanes: of,
      durationMs: null,
      reason: 'maintenance',
      action: actionOn(channel, 'channels.pause'),
      ...more,
    })
  const resume = (channel: Channel, of: readonly Lane[] = lanes) =>
    resumeChannel(pool, { channel, lanes: of, action: actionOn(channel, 'channels.resume') })
  const held = async () => (await loadChannelPauses(pool)).map(({ channel, lane }) => `${channel} ${lane}`)
  const moveBack = (byMs: number) =>
    database.query(
      `update channel_pauses set paused_at = paused_at - $1 * interval '1 ms', paused_until = paused_until - $1 * interval '1 ms'`,
      [byMs],
    )
  const actionsOn = (target: Channel) =>
    database.query<{ words: string }>(
      `select concat_ws(' ', operator, action, counts::text, (finished_at is not null)::text) as words
       from operator_actions where target = $1 order by started_at`,
      [target],
    )

  test('are none without a row', async () => {
    assert.deepEqual(await loadChannelPauses(pool), [])
  })

  test('are of one channel and its lanes, and say who, why and since when', async () => {
    const [transactional, bulk, ...more] = await pause('sms')
    assert.deepEqual(more, [])
    assert.deepEqual([transactional?.lane, bulk?.lane], lanes)
    const [first] = await loadChannelPauses(pool)
    const { pausedAtMs, ...rest } = first!
    assert.deepEqual(rest, {
      channel: 'sms',
      lane: 'transactional',
      pausedUntilMs: null,
      pausedBy: 'ada',
      reason: 'maintenance',
    })
    assert.ok(Math.abs(pausedAtMs - Date.now()) < 60_000)
    await pause('email', ['bulk'])
    assert.deepEqual(await held(), ['sms transactional', 'sms bulk', 'email bulk'])
  })

  test('can be of every channel that a delivery may have', async () => {
    for (const channel of channels) await pause(channel)
    assert.deepEqual(
      await held(),
      channels.flatMap((channel) => lanes.map((lane) => `${channel} ${lane}`)),
    )
  })

  test('end when they are resumed, lane by lane; who resumes what is open learns that', async () => {
    await pause('sms')
    assert.deepEqual(await resume('sms', ['bulk']), ['bulk'])
    assert.deepEqual(await held(), ['sms transactional'])
    assert.deepEqual(await resume('sms'), ['transactional'])
    assert.deepEqual(await resume('sms'), [])
    assert.deepEqual(await held(), [])
  })

  test('end by themselves where an end was given', async () => {
    const [paused] = await pause('sms', ['bulk'], { durationMs: hourMs })
    assert.equal(paused!.pausedUntilMs! - paused!.pausedAtMs, hourMs)
    assert.deepEqual(await held(), ['sms bulk'])
    await moveBack(hourMs)
    assert.deepEqual(await held(), [])
    assert.deepEqual(await resume('sms'), [])
  })

  test('keep their beginning when they are paused once more, with the new reason and end', async () => {
    await pause('sms', ['bulk'], { durationMs: hourMs })
    await moveBack(hourMs / 2)
    const [first] = await loadChannelPauses(pool)
    const [again] = await pause('sms', ['bulk'], { reason: 'longer' })
    assert.deepEqual([again?.pausedAtMs, again?.pausedUntilMs, again?.reason], [first?.pausedAtMs, null, 'longer'])
  })

  test('begin anew where the last one was over', async () => {
    const [first] = await pause('sms', ['bulk'], { durationMs: hourMs })
    await moveBack(2 * hourMs)
    const [again] = await pause('sms', ['bulk'])
    assert.ok(again!.pausedAtMs >= first!.pausedAtMs)
  })

  test('and their ends are recorded with who did it, and only what changed something', async () => {
    await database.query('delete from operator_actions')
    await resume('email')
    await pause('email')
    await resume('email', ['bulk'])
    assert.deepEqual(
      (await actionsOn('email')).map(({ words }) => words),
      ['ada channels.pause {"paused": 2} true', 'ada channels.resume {"resumed": 1} true'],
    )
  })
})
