import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { anEvent, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'
import { readSeries } from '../support/scraped.ts'

let pipeline: Pipeline
let sender: RoleProcess
const people = Array.from({ length: 12 }, (_, index) => index + 1)

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  for (const userId of people) await insertPerson(pipeline.database, { userId })
  await pipeline.start(['router', '--lane', 'transactional'])
  sender = await pipeline.start(['sender', '--channel', 'sms', '--lane', 'transactional'])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

async function channels(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(pipeline, ['channels', ...args])
  assert.equal(code, 0, stderr)
  return stdout
}

async function valueOf(name: string): Promise<number> {
  const series = readSeries((await sender.admin('/metrics')).body)
  return series.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0)
}

function untilConcurrency(calls: number): Promise<void> {
  return eventually(async () => {
    const concurrency = await valueOf('fanfare_sender_concurrency')
    return concurrency === calls ? undefined : `${concurrency} calls at once`
  })
}

const called = () =>
  people.reduce(
    (sum, userId) => sum + [...pipeline.simulator.ledger.entries({ address: phoneNumberOf(userId) })].length,
    0,
  )

describe('the calls at once of a channel', () => {
  test('are changed while its senders run, for a while, and who did it is on record', async () => {
    await untilConcurrency(100)
    const limit = ['limit', 'sms', '--lane', 'transactional', '--for', '1h', '--reason', 'a test', '--as', 'ada']
    assert.match(
      await channels(...limit, '--calls', '2'),
      /^sms transactional has 2 calls at once for each sender, until /,
    )
    await untilConcurrency(2)
    assert.match(await channels('list'), /sms transactional has 2 calls at once .*, by ada: a test\n/)

    // Calls without an answer keep their places, so those that are under way can be counted.
    pipeline.simulator.faults.add({ provider: 'twilio', fault: { kind: 'latency', ms: 5_000 } })
    await pipeline.request(...people.map((userId) => anEvent({ userId, channels: ['sms'] })))
    await eventually(async () => {
      const queued = await valueOf('fanfare_consumer_queued_records')
      return called() === 2 && queued === people.length - 2 ? undefined : `${called()} called, ${queued} queued`
    })
    await channels(...limit, '--calls', '5')
    await eventually(() => Promise.resolve(called() >= 5 ? undefined : `${called()} called`))

    pipeline.simulator.faults.clear()
    assert.equal(
      await channels('unlimit', 'sms', '--as', 'ada'),
      'sms transactional has as many calls as it is configured for\nsms bulk was not limited\n',
    )
    await untilConcurrency(100)
    await eventually(() => Promise.resolve(called() === people.length ? undefined : `${called()} called`))
    const actions = await pipeline.database.query<{ operator: string; action: string }>(
      `select operator, action from operator_actions where target = 'sms' order by started_at`,
    )
    assert.deepEqual(
      actions.map(({ operator, action }) => `${action} by ${operator}`),
      ['channels.limit by ada', 'channels.limit by ada', 'channels.unlimit by ada'],
    )
  })

  test('go back to the configuration when their time is over, by themselves', async () => {
    await channels('limit', 'sms', '--calls', '3', '--for', '3s', '--reason', 'a test')
    await untilConcurrency(3)
    await untilConcurrency(100)
  })

  test('are never none, and never limited for ever', async () => {
    for (const wrong of [
      ['--calls', '0', '--for', '1h', '--reason', 'a test'],
      ['--calls', '5', '--for', '30d', '--reason', 'a test'],
      ['--calls', '5', '--reason', 'a test'],
    ]) {
      assert.equal((await runCommand(pipeline, ['channels', 'limit', 'sms', ...wrong])).code, 64)
    }
  })
})

test('a signal makes a role tell more, and the next one less again', async () => {
  const untilLogged = (pattern: RegExp) => {
    let log = ''
    return eventually(() => {
      log += sender.newLogTail()
      return Promise.resolve(pattern.test(log) ? undefined : `${pattern} is not logged`)
    })
  }
  process.kill(sender.pid, 'SIGUSR2')
  await untilLogged(/"logLevel":"debug","msg":"the log level was changed"/)
  process.kill(sender.pid, 'SIGUSR2')
  await untilLogged(/"logLevel":"info","msg":"the log level was changed"/)
  assert.equal((await sender.admin('/livez')).status, 200)
})
