/** The example of examples/data-team/, as its README starts it, on statuses of real roles and on such as they may be. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Admin } from 'kafkajs'
import { Client } from 'pg'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { createAvroWriter, type AvroWriter } from '../../src/kafka/registry/avro-writer.ts'
import { createRegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { subjectOf } from '../../src/kafka/topic-schemas.ts'
import { spawnOwned, type OwnedProcess } from '../../src/local/stack/owned-process.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { aStatus } from '../support/builders/records.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { eventually } from '../support/eventually.ts'
import { lagOf, untilConsumed, type ConsumedTopic } from '../support/group-progress.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const root = join(import.meta.dirname, '../..')
const example = join(root, 'examples/data-team')
const openRate = readFileSync(join(example, 'open-rate.sql'), 'utf8')
const dayMs = 86_400_000
const loadLimitMs = 40_000
const stopGraceMs = 10_000

let pipeline: Pipeline
let warehouse: TestDatabase
let writer: AvroWriter<'DeliveryStatus'>
let admin: Admin
const logFolder = mkdtempSync(join(tmpdir(), 'fanfare-data-team-'))

before(async () => {
  pipeline = await startPipeline()
  warehouse = await createTestDatabase({ empty: true })
  const { brokers, registryUrl } = readStackEnvironment()
  writer = await createAvroWriter({
    registry: createRegistryClient({ url: registryUrl }),
    record: 'DeliveryStatus',
    subject: subjectOf(pipeline.topics.deliveryStatus, 'DeliveryStatus'),
  })
  admin = createKafka({ brokers, clientId: 'data-team-test', log: () => {} }).admin()
  await admin.connect()
  await insertCatalogue(pipeline.database)
  await pipeline.database.query(
    `insert into templates (template_id, version, published) values ('price-drop', 1, true)`,
  )
  await pipeline.database.query(
    `insert into template_contents (template_id, version, channel, locale, content)
     select 'price-drop', 1, channel, locale, content from template_contents where template_id = 'back-in-stock'`,
  )
  await pipeline.start(['all'])
})
afterEach((context) => pipeline.showLogs(context))
after(async () => {
  rmSync(logFolder, { recursive: true })
  await admin.disconnect()
  await warehouse.drop()
  await pipeline.stop()
})

interface Loader extends OwnedProcess {
  consumed: ConsumedTopic
  logFile: string
}

function startLoader(group: string): Loader {
  const { brokers, registryUrl } = readStackEnvironment()
  const consumed = { group: `${pipeline.topics.group('data-team')}.${group}`, topic: pipeline.topics.deliveryStatus }
  const logFile = join(logFolder, `${group}.log`)
  const owned = spawnOwned(
    {
      program: process.execPath,
      arguments: [join(example, 'load-statuses.ts')],
      workingDirectory: root,
      environment: {
        ...process.env,
        KAFKA_BROKERS: brokers.join(','),
        REGISTRY_URL: registryUrl,
        DATABASE_URL: warehouse.url,
        TOPIC: consumed.topic,
        GROUP_ID: consumed.group,
      },
    },
    { setpriv: 'setpriv', logFile },
  )
  return { ...owned, consumed, logFile }
}

/** Runs the loader until its group has read the whole topic, and ends it as an operator would. */
async function load(group: string): Promise<void> {
  const loader = startLoader(group)
  try {
    await untilConsumed(admin, [loader.consumed], loadLimitMs)
  } finally {
    await loader.end({ signal: 'SIGTERM', graceMs: stopGraceMs })
  }
  assert.deepEqual(await loader.exited, { code: 0, signal: null }, readFileSync(loader.logFile, 'utf8'))
}

async function publishStatuses(...statuses: readonly DeliveryStatus[]): Promise<void> {
  const topic = pipeline.topics.deliveryStatus
  await pipeline.publish(
    statuses.map((status) => ({ topic, key: status.notificationId, value: writer.encode(status), headers: {} })),
  )
}

/** As feedback would tell it, a minute after the sending. */
function opened(sent: DeliveryStatus, given: Partial<DeliveryStatus> = {}): DeliveryStatus {
  return { ...sent, statusId: randomUUID(), status: 'opened', occurredAt: sent.occurredAt + 60_000, ...given }
}

/** An email that was sent on another day. */
function sentEmail(occurredAt: number): DeliveryStatus {
  const ids = { statusId: randomUUID(), notificationId: randomUUID(), deliveryId: randomUUID() }
  const template = { templateId: 'back-in-stock', templateVersion: 3, locale: 'en' }
  return aStatus({ ...ids, ...template, status: 'sent', channel: 'email', provider: 'sendgrid', occurredAt })
}

async function sendThroughRoles(): Promise<{ backInStock: DeliveryStatus[]; priceDrop: DeliveryStatus[] }> {
  const userIds = [1, 2, 3, 4, 5]
  for (const userId of userIds) await insertPerson(pipeline.database, { userId })
  await pipeline.request(
    ...userIds.map((userId) => anEvent({ userId, channels: ['email'] })),
    ...[1, 2, 3].map((userId) => anEvent({ userId, channels: ['email'], template: 'price-drop' })),
    // Two that are not in the answer: a text message, and a request in words that Postgres cannot hold.
    anEvent({ userId: 1, channels: ['sms'] }),
    anEvent({ userId: 1, notificationId: 'not-a-uuid\u0000', createdAt: Number.MAX_SAFE_INTEGER - 1 }),
  )
  await pipeline.untilSettled()
  const emails = (await pipeline.statuses()).filter(({ status, channel }) => status === 'sent' && channel === 'email')
  const sent = (template: string) => emails.filter(({ templateId }) => templateId === template)
  return { backInStock: sent('back-in-stock'), priceDrop: sent('price-drop') }
}

async function everythingAgain(): Promise<void> {
  const records = await pipeline.read(pipeline.topics.deliveryStatus)
  await pipeline.publish(records.map(({ topic, key, value }) => ({ topic, key, value, headers: {} })))
}

/** Waits until this many of the others' sessions on the table's database are as the condition says. */
async function untilSessions(condition: string, count: number): Promise<void> {
  await eventually(async () => {
    const sessions = await warehouse.query(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and ${condition}`,
    )
    return sessions.length === count ? undefined : `${sessions.length} sessions, not ${count}: ${condition}`
  }, loadLimitMs)
}

const dayOf = (unixMs: number) => new Date(unixMs).toISOString().slice(0, 10)

async function distinctStatuses(): Promise<number> {
  return new Set((await pipeline.statuses()).map(({ statusId }) => statusId)).size
}

async function rowCount(): Promise<number> {
  const [row] = await warehouse.query<{ rows: number }>('select count(*)::integer as rows from delivery_statuses')
  return row?.rows ?? 0
}

describe('the table of the data team', () => {
  test('has every status once and the open rate exactly, however often the topic and the loader repeat', async () => {
    const { backInStock, priceDrop } = await sendThroughRoles()
    assert.deepEqual([backInStock.length, priceDrop.length], [5, 3])
    const [first, second, third] = backInStock
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const firstOpened = opened(first)
    const longAgo = [-1, -1, -1, -1].map((days) => sentEmail(first.occurredAt + days * dayMs))
    const [oldest] = longAgo
    assert.ok(oldest !== undefined)
    await publishStatuses(
      firstOpened,
      // The same opening told again, and a second opening of the same email.
      { ...firstOpened, occurredAt: firstOpened.occurredAt + 3 * dayMs },
      opened(first),
      opened(second),
      opened(third, { automatic: true }),
      ...priceDrop.map((sent) => opened(sent)),
      ...longAgo,
      // Opened a day after its sending: it counts on the day of that.
      opened(oldest, { occurredAt: first.occurredAt }),
    )
    await load('first')
    const rows = await distinctStatuses()
    assert.equal(await rowCount(), rows)
    const answer = [
      { template_id: 'back-in-stock', day: dayOf(oldest.occurredAt), sent: 4, opened: 1, open_rate_percent: 25 },
      { template_id: 'back-in-stock', day: dayOf(first.occurredAt), sent: 5, opened: 2, open_rate_percent: 40 },
      { template_id: 'price-drop', day: dayOf(first.occurredAt), sent: 3, opened: 3, open_rate_percent: 100 },
    ]
    assert.deepEqual(await warehouse.query(openRate), answer)

    await everythingAgain()
    await publishStatuses({ ...firstOpened, occurredAt: firstOpened.occurredAt + 4 * dayMs })
    await load('first')
    // Nothing committed: the topic from its beginning, repeats and all.
    await load('second')
    assert.equal(await rowCount(), rows)
    assert.equal(await distinctStatuses(), rows)
    assert.deepEqual(await warehouse.query(openRate), answer)
    const times = await warehouse.query('select occurred_at from delivery_statuses where status_id = $1', [
      firstOpened.statusId,
    ])
    assert.deepEqual(times, [{ occurred_at: new Date(firstOpened.occurredAt) }], 'the time of the first of several')
  })

  test('has rows before their offsets are committed, so that a kill between the two loses none', async () => {
    const locker = new Client({ connectionString: warehouse.url })
    await locker.connect()
    // Holds back inserts, and not the statements with which the loader begins.
    await locker.query('begin; lock table delivery_statuses in share mode')
    const loader = startLoader('killed')
    await untilSessions(`wait_event_type = 'Lock'`, 1)
    assert.equal(await lagOf(admin, loader.consumed), (await pipeline.read(loader.consumed.topic)).length)
    await loader.end({ signal: 'SIGKILL', graceMs: 0 })
    await locker.end()
    await untilSessions('true', 0)
  })

  test('holds what was wrong about a request, in words that Postgres can hold', async () => {
    const refused = await warehouse.query(
      `select notification_id, status, reason, created_at_ms from delivery_statuses where status = 'failed'`,
    )
    assert.deepEqual(refused, [
      {
        notification_id: 'not-a-uuid',
        status: 'failed',
        reason: 'invalid_request',
        created_at_ms: String(Number.MAX_SAFE_INTEGER - 1),
      },
    ])
  })
})
