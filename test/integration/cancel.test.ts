import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { NotificationCancelled, NotificationRequested } from '../../src/domain/notification.ts'
import { anEvent, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import { aCancellation } from '../support/builders/records.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline

function cancelling({ notificationId, source, userId, createdAt }: NotificationRequested): NotificationCancelled {
  return aCancellation({ notificationId, source, userId, createdAt, cancelledAt: Date.now() })
}

async function storyOf(notificationId: string): Promise<string[]> {
  const statuses = await pipeline.statuses(notificationId)
  return statuses.map(({ status, channel }) => (channel === null ? status : `${status} ${channel}`)).toSorted()
}

function smsTo(userId: number): number {
  return [...pipeline.simulator.ledger.entries({ address: phoneNumberOf(userId) })].length
}

async function statesOf(notificationId: string): Promise<string[]> {
  const rows = await pipeline.database.query<{ state: string }>(
    'select state from deliveries where notification_id = $1',
    [notificationId],
  )
  return rows.map(({ state }) => state)
}

describe('a cancellation', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    for (const userId of [1, 2, 3]) await insertPerson(pipeline.database, { userId })
    await pipeline.start(['router', '--lane', 'transactional'])
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('that comes before its request stops it', async () => {
    const event = anEvent({ userId: 1, channels: ['sms', 'email'] })
    await pipeline.cancel(cancelling(event))
    await pipeline.untilRouted()
    await pipeline.request(event)
    await pipeline.untilRouted()
    assert.deepEqual(await storyOf(event.notificationId), ['cancelled'])
    const [told] = await pipeline.statuses(event.notificationId)
    assert.equal(told?.category, event.category, 'told when all is known of it')
    assert.deepEqual(await statesOf(event.notificationId), [])
  })

  test('that comes before the claim stops every delivery, and no other notification', async () => {
    const [stopped, foreign, sent] = [2, 3, 3].map((userId) => anEvent({ userId, channels: ['sms', 'email'] }))
    assert.ok(stopped !== undefined && foreign !== undefined && sent !== undefined)
    await pipeline.request(stopped, foreign, sent)
    // An app cancels only its own: the same id of another source is another notification.
    await pipeline.cancel({ ...cancelling(foreign), source: 'another-app' })
    await pipeline.cancel(cancelling(stopped))
    await pipeline.untilRouted()
    assert.deepEqual(await storyOf(stopped.notificationId), ['cancelled email', 'cancelled sms', 'routed'])

    for (const channel of ['sms', 'email']) {
      await pipeline.start(['sender', '--channel', channel, '--lane', 'transactional'])
    }
    await pipeline.untilSettled()
    assert.deepEqual([smsTo(1), smsTo(2), smsTo(3)], [0, 0, 2])
    assert.deepEqual(await statesOf(stopped.notificationId), ['cancelled', 'cancelled'])
    assert.deepEqual(await statesOf(foreign.notificationId), ['sent', 'sent'])
    assert.deepEqual(await statesOf(sent.notificationId), ['sent', 'sent'])
  })
})
