import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { canaryAddresses, canaryUserId } from '../../src/domain/canary.ts'
import { channels, lanes, type Channel } from '../../src/domain/channel.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'
import { readSeries } from '../support/scraped.ts'

let pipeline: Pipeline
let canary: RoleProcess
const often = { FANFARE_CANARY_EVERY_MS: '1000' }

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.start(['all'])
  canary = await pipeline.start(['canary'], often)
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

async function measured(name: string, channel: Channel): Promise<number[]> {
  const series = readSeries((await canary.admin('/metrics')).body)
  return series.filter((each) => each.name === name && each.labels['channel'] === channel).map(({ value }) => value)
}

/** One figure for each lane. */
const arrivals = (channel: Channel) => measured('fanfare_canary_latency_seconds_count', channel)
const freshness = (channel: Channel) => measured('fanfare_canary_last_arrival_timestamp_seconds', channel)

function untilArrived(channel: Channel, atLeast: number): Promise<void> {
  return eventually(async () => {
    const counts = await arrivals(channel)
    const isThere = counts.length === lanes.length && counts.every((count) => count >= atLeast)
    return isThere ? undefined : `${channel}: ${counts.join()} arrived`
  })
}

describe('the canary', () => {
  test('arrives by every channel of both lanes, again and again, and no provider is called for it', async () => {
    for (const channel of channels) await untilArrived(channel, 3)
    const calls = Object.values(canaryAddresses).flatMap((address) => [
      ...pipeline.simulator.ledger.entries({ address }),
    ])
    assert.deepEqual(calls, [])
    const [row] = await pipeline.database.query<{ count: string }>(
      `select count(*) from deliveries where user_id = $1 and state = 'sent' and provider_message_id like 'sink-%'`,
      [canaryUserId],
    )
    assert.ok(Number(row?.count) >= 3 * channels.length * lanes.length)
  })

  test('leaves everybody else to the providers', async () => {
    await insertPerson(pipeline.database, { userId: 1 })
    await pipeline.request(anEvent({ userId: 1, channels: ['email'] }))
    await eventually(() =>
      Promise.resolve(
        [...pipeline.simulator.ledger.entries({ address: emailOf(1) })].length === 1 ? undefined : 'no email',
      ),
    )
  })

  test('grows stale by the channel that does not work, and by no other', async () => {
    await runCommand(pipeline, ['channels', 'pause', 'sms', '--reason', 'a test'])
    await eventually(async () => {
      const before = await freshness('sms')
      await untilArrived('email', Math.max(...(await arrivals('email'))) + 2)
      return (await freshness('sms')).join() === before.join() ? undefined : 'the pause is not noticed yet'
    })
    const before = await freshness('sms')
    await untilArrived('ios', Math.max(...(await arrivals('ios'))) + 2)
    assert.deepEqual(await freshness('sms'), before)
    const [lanesOfEmail] = [await freshness('email')]
    assert.ok(lanesOfEmail.every((seconds) => seconds > Math.max(...before)))
    await runCommand(pipeline, ['channels', 'resume', 'sms'])
    await untilArrived('sms', Math.max(...(await arrivals('sms'))) + 1)
  })

  test('starts again beside what it has added before, and changes nothing of it', async () => {
    const tables = ['users', 'devices', 'categories', 'template_contents']
    const counts = async () =>
      Promise.all(tables.map(async (table) => (await pipeline.database.query(`select count(*) from ${table}`))[0]))
    const before = await counts()
    await pipeline.database.query(`update categories set time_to_live_seconds = 60 where name = 'fanfare-canary-bulk'`)
    await canary.stop()
    canary = await pipeline.start(['canary'], often)
    await untilArrived('email', 1)
    assert.deepEqual(await counts(), before)
    const [category] = await pipeline.database.query<{ time_to_live_seconds: number }>(
      `select time_to_live_seconds from categories where name = 'fanfare-canary-bulk'`,
    )
    assert.equal(category?.time_to_live_seconds, 60)
  })
})
