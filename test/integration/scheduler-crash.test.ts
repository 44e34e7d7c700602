/**
 * Every point at which a scheduler can die, tried exactly there: between its claim, its publication and its deletion,
 * which are one transaction of the database and not of the broker.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { readPass } from '../../src/domain/record-headers.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import type { CrashPoint } from '../faults/wiring/crash.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const wiring = 'test/faults/wiring/main.ts'
const sendsInMs = 1_500
const patienceMs = 30_000

let pipeline: Pipeline
let lastUser = 0

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await Promise.all([
    pipeline.start(['router', '--lane', 'transactional']),
    pipeline.start(['sender', '--channel', 'email', '--lane', 'transactional']),
  ])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** Publishes one event for soon, with a scheduler that dies at the point when it is due; resolves when it is dead. */
async function crashedAt(point: CrashPoint): Promise<NotificationRequested> {
  lastUser += 1
  await insertPerson(pipeline.database, { userId: lastUser })
  const scheduler = await pipeline.start(['scheduler'], { FAULTS_CRASH_AT: point }, wiring)
  const event = anEvent({ userId: lastUser, channels: ['email'], sendAt: Date.now() + sendsInMs })
  await pipeline.request(event)
  await scheduler.killsItself()
  return event
}

async function waiting(): Promise<number> {
  return (await pipeline.database.query('select from scheduled_notifications')).length
}

/** Resumptions of the event on its topic: records with a pass. */
async function resumptionsOf(event: NotificationRequested): Promise<number> {
  const records = await pipeline.read(pipeline.topics.requested('transactional'))
  return records.filter(
    ({ key, headers }) =>
      key !== null && Buffer.from(key).toString() === String(event.userId) && (readPass(headers) ?? 0) > 0,
  ).length
}

async function untilSentOnce(event: NotificationRequested, resumptions: number): Promise<void> {
  const scheduler = await pipeline.start(['scheduler'])
  await eventually(async () => {
    const found = await resumptionsOf(event)
    return found >= resumptions ? undefined : `${found} of ${resumptions} resumptions`
  }, patienceMs)
  await pipeline.untilSettled()
  assert.equal(await waiting(), 0)
  assert.equal(await resumptionsOf(event), resumptions)
  const calls = [...pipeline.simulator.ledger.entries({ address: emailOf(event.userId) })]
  assert.equal(calls.length, 1)
  assert.ok(calls[0]!.receivedAtMs >= event.sendAt!, 'early')
  await scheduler.stop()
}

describe('a scheduler that dies', () => {
  test('between claim and publication has told nobody: its successor brings it back', async () => {
    const event = await crashedAt('before-publish')
    assert.equal(await waiting(), 1)
    assert.equal(await resumptionsOf(event), 0)
    await untilSentOnce(event, 1)
  })

  test('between publication and deletion brings it back twice, and it is sent once', async () => {
    const event = await crashedAt('after-publish')
    assert.equal(await resumptionsOf(event), 1)
    await untilSentOnce(event, 2)
  })

  test('between deletion and commit brings it back twice, and it is sent once', async () => {
    const event = await crashedAt('after-delete')
    assert.equal(await resumptionsOf(event), 1)
    await untilSentOnce(event, 2)
  })
})
