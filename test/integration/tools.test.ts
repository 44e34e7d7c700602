import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, test } from 'node:test'
import { gatherEvidence } from '../../src/cli/demo/gather-evidence.ts'
import { isUuid } from '../../src/domain/identity.ts'
import type { NotificationIdentity } from '../../src/local/reconciliation/evidence.ts'
import { reconcile } from '../../src/local/reconciliation/reconcile.ts'
import { createAudit } from '../../src/postgres/audit.ts'
import { createHotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const root = join(import.meta.dirname, '../..')
const people = 20
const loginCode = ['--category', 'login-code', '--data', 'code=424242', '--data', 'minutes:=10']

let pipeline: Pipeline

before(async () => {
  pipeline = await startPipeline()
  const seeded = await fanfare('seed', '--users', String(people))
  assert.equal(seeded.code, 0, seeded.stderr)
  await pipeline.start(['all'], pipeline.simulator.environment)
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** A command as a person runs it, on this file's own database and topics. */
function fanfare(...args: readonly string[]) {
  return fanfareOn(pipeline.database, ...args)
}

async function fanfareOn(database: TestDatabase, ...args: readonly string[]) {
  const { brokers, registryUrl } = readStackEnvironment()
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), ...args], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      FANFARE_KAFKA_BROKERS: brokers.join(','),
      FANFARE_REGISTRY_URL: registryUrl,
      FANFARE_POSTGRES_URL: database.url,
      FANFARE_TOPIC_PREFIX: pipeline.topics.requested('bulk').replace('notifications.requested.bulk', ''),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, code: code as number | null }
}

/** A user who is reached by SMS, and by nothing that a provider refuses. */
async function reachableByPhone(): Promise<number> {
  const [user] = await pipeline.database.query<{ user_id: string }>(
    `select user_id from users where phone_number is not null and phone_number not like '+1500555%' limit 1`,
  )
  assert.ok(user)
  return Number(user.user_id)
}

/** Everything that this file has published. */
const published: NotificationIdentity[] = []

async function send(...args: readonly string[]): Promise<string[]> {
  const { stdout, stderr, code } = await fanfare('send', ...args)
  assert.equal(code, 0, stderr)
  const ids = stdout.trim().split('\n')
  const source = args.includes('--source') ? (args[args.indexOf('--source') + 1] ?? '') : 'fanfare-send'
  published.push(...ids.map((notificationId) => ({ notificationId, source })))
  return ids
}

async function rowCounts(tables: readonly string[]): Promise<number[]> {
  const counts: number[] = []
  for (const table of tables) counts.push(await count(table))
  return counts
}

async function count(table: string): Promise<number> {
  const [row] = await pipeline.database.query<{ count: string }>(`select count(*) from ${table}`)
  return Number(row?.count)
}

describe('fanfare seed', () => {
  const tables = ['users', 'devices', 'notification_settings', 'category_settings', 'categories', 'template_contents']

  test('adds people, and changes nothing when it runs again', async () => {
    assert.equal(await count('users'), people)
    const before = await rowCounts(tables)
    const versions = await pipeline.database.query('select user_id, version from users order by user_id')
    const again = await fanfare('seed', '--users', String(people))
    assert.match(again.stdout, /nobody was missing/)
    assert.deepEqual(await rowCounts(tables), before)
    assert.deepEqual(await pipeline.database.query('select user_id, version from users order by user_id'), versions)
  })

  test('leaves people alone who are there already, and what they gave up stays away', async () => {
    await pipeline.database.query(`delete from devices where user_id = 1`)
    await pipeline.database.query(`update users set email = 'changed@example.com' where user_id = 1`)
    await fanfare('seed', '--users', String(people), '--seed', 'another')
    const [user] = await pipeline.database.query<{ email: string }>('select email from users where user_id = 1')
    assert.equal(user?.email, 'changed@example.com')
    const devices = await pipeline.database.query('select 1 from devices where user_id = 1')
    assert.equal(devices.length, 0)
  })

  test('says what to do first where the database has no tables', async (t) => {
    const empty = await createTestDatabase({ empty: true })
    t.after(() => empty.drop())
    const { code, stderr } = await fanfareOn(empty, 'seed')
    assert.equal(code, 1)
    assert.match(stderr, /run `fanfare migrate` first/)
  })

  test('adds the new ones when there are to be more', async () => {
    const more = await fanfare('seed', '--users', String(people + 5))
    assert.match(more.stdout, /added 5 people/)
    assert.equal(await count('users'), people + 5)
  })
})

describe('fanfare send and fanfare status', () => {
  test('an event that was sent shows as sent, without an address', async () => {
    const userId = await reachableByPhone()
    const [notificationId = ''] = await send('--user', String(userId), ...loginCode, '--channels', 'sms')
    assert.ok(isUuid(notificationId))
    await pipeline.untilSettled()

    const status = await fanfare('status', notificationId)
    assert.equal(status.code, 0, status.stderr)
    assert.match(
      status.stdout,
      new RegExp(`^notification ${notificationId} from fanfare-send for user ${userId}$`, 'm'),
    )
    assert.match(status.stdout, /^ {2}routed {5}.*\(\+\d+\.\d{3} s\)$/m)
    assert.match(status.stdout, /^ {2}sms: sent /m)
    assert.match(status.stdout, /^ {4}attempts 1, twilio as SM/m)
    assert.doesNotMatch(status.stdout, /\+\d{8}|@example/)

    const [call] = [...pipeline.simulator.ledger.entries({ provider: 'twilio' })]
    assert.match(call?.content.body ?? '', /424242/)
  })

  test('send publishes as many as it is told, each with an id of its own', async () => {
    const before = await count('notifications')
    const ids = await send('--user', '2', ...loginCode, '--count', '30', '--rate', '1000', '--lane', 'bulk')
    assert.equal(new Set(ids).size, 30)
    assert.ok(ids.every(isUuid))
    await pipeline.untilSettled()
    assert.equal(await count('notifications'), before + 30)
  })

  test('a template alone names its category', async () => {
    const data = ['--data', 'item_name=Umbrella', '--data', 'date=1 October']
    const [id = ''] = await send('--user', '3', '--template', 'back-in-stock', ...data, '--source', 'my-shop')
    await pipeline.untilRouted()
    const status = await fanfare('status', id, '--source', 'my-shop')
    assert.match(status.stdout, /category {3}back-in-stock/)
  })

  test('status fails on what nobody knows, and says so', async () => {
    const unknown = await fanfare('status', '01939c5a-6e00-7000-8000-000000000001', '--source', 'shop')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /no notification 01939c5a-6e00-7000-8000-000000000001 from shop is known/)
  })

  test('send says what is missing', async () => {
    assert.equal((await fanfare('send', '--user', '1')).code, 64)
    assert.equal((await fanfare('send', '--user', '0', '--category', 'x')).code, 64)
    assert.equal((await fanfare('send', '--user', '1', '--category', 'x', '--data', 'oops')).code, 64)
  })
})

test('the demo’s reconciliation finds that ledger, Postgres and status topic agree about all of it', async () => {
  await pipeline.untilSettled()
  const { brokers, registryUrl } = readStackEnvironment()
  const pool = createHotPathPool({ url: pipeline.database.url, applicationName: 'tools', maxConnections: 1 })
  try {
    const evidence = await gatherEvidence({
      published,
      reports: [],
      ledger: pipeline.simulator.ledger,
      // Smaller than what there is: several pages.
      audit: createAudit(pool, { rowsPerPage: 7 }),
      kafka: { brokers, clientId: 'tools', log: () => {} },
      registry: { url: registryUrl },
      topics: pipeline.topics,
    })
    const { differences, events } = reconcile(evidence)
    assert.deepEqual(differences, [])
    assert.deepEqual(events, { published: 32, postgres: 32, statusTopic: 32 })
    assert.ok(evidence.deliveries.length > 7)
    assert.equal(new Set(evidence.deliveries.map(({ deliveryId }) => deliveryId)).size, evidence.deliveries.length)
  } finally {
    await pool.close()
  }
})

test('every tool explains itself with an example', async () => {
  for (const name of ['seed', 'send', 'status', 'demo', 'all', 'router', 'sender']) {
    const { stdout, code } = await fanfare(name, '--help')
    assert.equal(code, 0)
    assert.match(stdout, new RegExp(`Usage: fanfare ${name}`))
    assert.match(stdout, new RegExp(`Examples?:\\n {2}(EVENTS=\\d+ )?fanfare ${name}`))
  }
})
