import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { anEvent, emailOf, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

let pipeline: Pipeline
let sender: RoleProcess

const smsSender = ['sender', '--channel', 'sms', '--lane', 'transactional'] as const

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await pipeline.start(['router', '--lane', 'transactional'])
  await pipeline.start(['sender', '--channel', 'email', '--lane', 'transactional'])
  sender = await pipeline.start(smsSender)
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

async function channels(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(pipeline, ['channels', ...args])
  assert.equal(code, 0, stderr)
  return stdout
}

/** Until the sender says so itself. */
async function untilPaused(paused: boolean): Promise<void> {
  const wanted = new RegExp(`^fanfare_channel_paused\\{.*channel="sms".*\\} ${paused ? 1 : 0}$`, 'm')
  await eventually(async () =>
    wanted.test((await sender.admin('/metrics')).body) ? undefined : `the sender has not noticed: paused ${paused}`,
  )
}

const callsTo = (address: string) => [...pipeline.simulator.ledger.entries({ address })].length

/** Sends one event to a new person over both channels, and waits until the email is out. */
async function sendOverBoth(userId: number, expiresAt: number | null = null): Promise<string> {
  await insertPerson(pipeline.database, { userId })
  const event = anEvent({ userId, channels: ['sms', 'email'], expiresAt })
  await pipeline.request(event)
  await eventually(async () => (callsTo(emailOf(userId)) === 1 ? undefined : 'the email is not sent'))
  return event.notificationId
}

const untilSmsIsSent = (userId: number) =>
  eventually(async () => (callsTo(phoneNumberOf(userId)) === 1 ? undefined : 'the SMS is not sent'))

async function untilSaid(notificationId: string, wanted: string): Promise<void> {
  await eventually(async () => {
    const said = (await pipeline.statuses(notificationId)).filter(({ channel }) => channel === 'sms')
    const words = said.map(({ status, reason }) => `${status}/${reason ?? ''}`)
    return words.includes(wanted) ? undefined : `${wanted} is not said, only ${words.join()}`
  })
}

describe('a paused channel', () => {
  test('calls nobody while another goes on, is alive meanwhile, and sends all of it once when it is resumed', async () => {
    await untilPaused(false)
    assert.match(
      await channels('pause', 'sms', '--reason', 'provider\nmaintenance', '--as', 'ada'),
      /^sms transactional is paused since \S+Z, until it is resumed\nsms bulk is paused/,
    )
    await untilPaused(true)
    for (const userId of [1, 2, 3]) await sendOverBoth(userId)
    assert.match(await channels('list'), /sms +transactional +paused +\S+Z +- +ada +provider maintenance\n/)
    assert.match(await channels('list'), /email +transactional +open/)
    assert.deepEqual([1, 2, 3].map(phoneNumberOf).map(callsTo), [0, 0, 0])
    assert.equal((await sender.admin('/livez')).status, 200)

    assert.equal(
      await channels('resume', 'sms', '--lane', 'transactional', '--as', 'ada'),
      'sms transactional goes on\n',
    )
    for (const userId of [1, 2, 3]) await untilSmsIsSent(userId)
    assert.equal(await channels('resume', 'sms'), 'sms transactional was not paused\nsms bulk goes on\n')
  })

  test('calls nobody from a sender that was killed and started again, and ends in time when it is asked to', async () => {
    await channels('pause', 'sms', '--lane', 'transactional', '--reason', 'a test')
    await untilPaused(true)
    await sendOverBoth(11)
    await sender.kill()
    sender = await pipeline.start(smsSender)
    await untilPaused(true)
    await sendOverBoth(12)
    assert.deepEqual([11, 12].map(phoneNumberOf).map(callsTo), [0, 0])
    const askedMs = performance.now()
    await sender.stop()
    const stoppedAfterMs = performance.now() - askedMs
    // Its drain budget is 25 s: waiting for the pause would take all of it.
    assert.ok(stoppedAfterMs < 15_000, `${stoppedAfterMs} ms`)

    sender = await pipeline.start(smsSender)
    await channels('resume', 'sms')
    for (const userId of [11, 12]) await untilSmsIsSent(userId)
  })

  test('expires what is too late when it is resumed, without a call', async () => {
    await channels('pause', 'sms', '--lane', 'transactional', '--reason', 'a test')
    await untilPaused(true)
    const expiresAt = Date.now() + 4_000
    const late = await sendOverBoth(21, expiresAt)
    await eventually(async () => (Date.now() > expiresAt ? undefined : 'its time is not over'))
    await channels('resume', 'sms')
    await untilSaid(late, 'expired/past_expiry')
    assert.equal(callsTo(phoneNumberOf(21)), 0)
  })

  test('has nothing left to do for what was swept meanwhile, but to say so again', async () => {
    await channels('pause', 'sms', '--lane', 'transactional', '--reason', 'a test')
    await untilPaused(true)
    const swept = await sendOverBoth(31)
    await pipeline.database.query(
      `update deliveries set expires_at = expires_at - interval '5 hours' where notification_id = $1 and channel = 'sms'`,
      [swept],
    )
    const { code, stdout, stderr } = await runCommand(pipeline, ['maintain'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /settled 1 deliveries as expired/)
    await channels('resume', 'sms')
    await pipeline.untilSettled()
    const said = (await pipeline.statuses(swept)).filter(({ channel }) => channel === 'sms')
    assert.deepEqual(
      said.map(({ status }) => status),
      ['expired', 'expired'],
    )
    assert.equal(said[0]?.statusId, said[1]?.statusId)
    assert.equal(callsTo(phoneNumberOf(31)), 0)
  })
})
