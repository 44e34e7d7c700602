import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { compileFolder } from '../../src/cli/template-folders.ts'
import type { LedgerEntry } from '../../src/local/simulator/ledger.ts'
import { seededCategories } from '../../src/local/seed/categories.ts'
import { createHotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { publishTemplate } from '../../src/postgres/template-publication.ts'
import { failureWatchLimits } from '../../src/services/sender/failure-watch.ts'
import { anEvent, emailOf, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const onCallUserId = 900
/** Twice the limit and some: wherever the minute ends within them, one side of it has too many. */
const failures = failureWatchLimits.failuresMax * 2 + 10
const alertName = 'fanfare-alert'

let pipeline: Pipeline

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await insertAlertCategory()
  await pipeline.database.query(`update categories set attempts = '{"sms": 1}'`)
  await insertPerson(pipeline.database, { userId: onCallUserId })
  await pipeline.start(['all'], { FANFARE_ON_CALL_USER_ID: String(onCallUserId) })
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** As `fanfare seed` provides it. */
async function insertAlertCategory(): Promise<void> {
  const category = seededCategories.find(({ name }) => name === alertName)
  const folder = join(import.meta.dirname, '../../examples/templates', alertName)
  const [template] = await compileFolder(folder)
  assert.ok(category !== undefined && template !== undefined)
  const { database } = pipeline
  const pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 1 })
  await publishTemplate(pool, template.draft, 'test')
  await pool.close()
  await database.query(
    `insert into categories (name, lane, channels, mandatory, time_to_live_seconds, template_id)
     values ($1, $2, $3, $4, $5, $1)`,
    [alertName, category.lane, category.channels, category.mandatory, category.timeToLiveSeconds],
  )
}

async function alertsAskedFor() {
  return pipeline.database.query<{ notification_id: string; user_id: string; decision: string }>(
    `select notification_id, user_id, decision from notifications where source = 'fanfare'`,
  )
}

function emailsToOnCall(): LedgerEntry[] {
  return [...pipeline.simulator.ledger.entries({ provider: 'sendgrid', address: emailOf(onCallUserId) })]
}

describe('a provider that refuses again and again', () => {
  before(async () => {
    pipeline.simulator.faults.add({ provider: 'twilio', fault: { kind: 'status', status: 503 } })
    const events = Array.from({ length: failures }, (_, index) => anEvent({ userId: index + 1, channels: ['sms'] }))
    for (const { userId } of events) await insertPerson(pipeline.database, { userId })
    await pipeline.request(...events)
    await eventually(() => Promise.resolve(emailsToOnCall().length > 0 ? undefined : 'no email yet'))
    await pipeline.untilSettled()
  })

  test('is told to the user on call, over the channels that work', async () => {
    const emails = emailsToOnCall()
    assert.deepEqual(
      emails.map(({ verdict }) => verdict),
      ['accepted'],
    )
    const [{ notification_id: id } = { notification_id: '' }] = await alertsAskedFor()
    const states = await pipeline.database.query<{ channel: string; state: string }>(
      'select channel, state from deliveries where notification_id = $1 order by channel::text',
      [id],
    )
    assert.deepEqual(states, [
      { channel: 'email', state: 'sent' },
      { channel: 'sms', state: 'failed' },
    ])
  })

  test('is told once, by one event on the requested topic, under the key of that user, that names no recipient', async () => {
    const records = await pipeline.read(pipeline.topics.requested('transactional'))
    const own = records.filter(({ key }) => Buffer.from(key ?? []).toString() === String(onCallUserId))
    assert.equal(records.length, failures + 1)
    assert.equal(own.length, 1)
    const text = Buffer.from(own[0]?.value ?? []).toString('latin1')
    assert.match(text, /twilio/)
    assert.doesNotMatch(text, /\+1415|@example/)
    assert.deepEqual(
      (await alertsAskedFor()).map(({ user_id: userId, decision }) => [userId, decision]),
      [[String(onCallUserId), 'routed']],
    )
  })
})
