import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { ConfigResourceTypes } from 'kafkajs'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { withAdmin } from '../../src/kafka/with-admin.ts'
import { chooseFreePorts, isFree } from '../../src/local/stack/free-port.ts'
import { spawnOwned, type OwnedProcess } from '../../src/local/stack/owned-process.ts'
import { thisSystem } from '../../src/local/stack/prerequisites.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

let pipeline: Pipeline
const { brokers, registryUrl, redisUrl } = readStackEnvironment()

before(async () => {
  pipeline = await startPipeline()
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** What it finds, without what is right. */
async function examine(environment: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await runCommand(pipeline, ['doctor', '--replicas', '1', '--json'], {
    environment: { FANFARE_REDIS_URL: redisUrl, ...pipeline.simulator.environment, ...environment },
  })
  assert.equal(stderr, '')
  const findings = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
  return { code, findings, wrong: findings.filter(({ level }) => level !== 'ok') }
}

describe('fanfare doctor', () => {
  test('finds nothing wrong with a stack that is as it should be', async () => {
    const { code, findings, wrong } = await examine()
    assert.deepEqual(wrong, [])
    assert.equal(code, 0)
    const seen = new Set(findings.map(({ check }) => check))
    assert.equal(seen.size, 12, [...seen].join())
  })

  test('says what is away, where it looked and what else it saw, and ends with 1', async () => {
    const [port] = await chooseFreePorts(1)
    const { code, wrong, findings } = await examine({
      FANFARE_KAFKA_BROKERS: `127.0.0.1:${port}`,
      FANFARE_REGISTRY_URL: `http://127.0.0.1:${port}`,
      FANFARE_REDIS_URL: `redis://127.0.0.1:${port}`,
      FANFARE_POSTGRES_URL: `postgres://nobody:secret@127.0.0.1:${port}/fanfare`,
    })
    assert.equal(code, 1)
    assert.deepEqual(
      wrong.map(({ check, level }) => `${level} ${check}`),
      ['fault kafka', 'fault registry', 'fault postgres', 'fault redis'],
    )
    for (const { fix } of wrong) assert.match(fix ?? '', /does FANFARE_\w+ lead to it/)
    assert.doesNotMatch(JSON.stringify(findings), /secret/)
  })

  test('refuses variables that nobody knows, as everything does', async () => {
    const { code, stderr } = await runCommand(pipeline, ['doctor'], { environment: { FANFARE_REDIS_ULR: redisUrl } })
    assert.equal(code, 78)
    assert.match(stderr, /FANFARE_REDIS_ULR.*did you mean FANFARE_REDIS_URL/)
  })

  test('names a user of the database who may not do what a role does', async (t) => {
    const { database } = pipeline
    const [name, password] = [randomBytes(4), randomBytes(8)].map((bytes) => `doctor_${bytes.toString('hex')}`)
    await database.query(`create role ${name} login password '${password}'`)
    t.after(async () => {
      await database.query(`drop owned by ${name}`)
      await database.query(`drop role ${name}`)
    })
    await database.query(`grant select on all tables in schema public to ${name}`)
    await database.query(`grant insert on deliveries, suppressions to ${name}`)
    const url = Object.assign(new URL(database.url), { username: name, password })
    const { wrong } = await examine({ FANFARE_POSTGRES_URL: url.href })
    assert.deepEqual(wrong.map(({ check, what }) => `${check}: ${what}`).toSorted(), [
      'permissions: this user of Postgres has no delete on scheduled_notifications',
      'permissions: this user of Postgres has no insert on notifications',
      'permissions: this user of Postgres has no insert on scheduled_notifications',
      'permissions: this user of Postgres has no update on deliveries',
      'permissions: this user of Postgres has no update on devices',
      'permissions: this user of Postgres has no update on notifications',
      'permissions: this user of Postgres may not make partitions',
    ])
  })
})

describe('fanfare doctor on a broken stack', () => {
  let folder: string
  let evicting: OwnedProcess
  let evictingUrl: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fanfare-doctor-'))
    const [port = 0] = await chooseFreePorts(1)
    evictingUrl = `redis://127.0.0.1:${port}`
    const settings = { port, dir: folder, bind: '127.0.0.1', save: '', 'maxmemory-policy': 'allkeys-lru' }
    const command = {
      program: thisSystem(process.env).find('redis-server') ?? 'redis-server',
      arguments: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      workingDirectory: folder,
      environment: {},
    }
    evicting = spawnOwned(command, { setpriv: 'setpriv', logFile: join(folder, 'log') })
    await eventually(async () => ((await isFree(port)) ? 'Redis does not listen' : undefined))
    await breakTopics()
    await breakSchemas()
    await breakDatabase()
  })
  after(async () => {
    await evicting.end({ signal: 'SIGTERM', graceMs: 5_000 })
    rmSync(folder, { recursive: true })
  })

  async function breakTopics(): Promise<void> {
    const { topics } = pipeline
    const topicResource: ConfigResourceTypes.TOPIC = 2
    const set = (name: string, entries: Record<string, string>) => ({
      type: topicResource,
      name,
      configEntries: Object.entries(entries).map(([key, value]) => ({ name: key, value })),
    })
    const kafka = createKafka({ brokers, clientId: 'test', log: () => {} })
    await withAdmin(kafka, async (admin) => {
      await admin.deleteTopics({ topics: [topics.retry('bulk', '1m')] })
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          set(topics.deliveries('sms', 'bulk'), {
            'retention.ms': '604800000',
            'min.insync.replicas': '1',
            'max.message.bytes': '1000',
          }),
          set(topics.deliveriesDeadLetter('email'), {
            'retention.ms': String(30 * 86_400_000),
            'min.insync.replicas': '1',
            'max.message.bytes': '1048588',
          }),
        ],
      })
    })
  }

  async function breakSchemas(): Promise<void> {
    const subject = `${pipeline.topics.deliveryStatus}-value`
    const { status } = await fetch(`${registryUrl}/subjects/${subject}`, { method: 'DELETE' })
    assert.equal(status, 200)
  }

  async function breakDatabase(): Promise<void> {
    const { database } = pipeline
    await database.query(`delete from knex_migrations where name = '0006-channel-pauses'`)
    const days = await database.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'deliveries'::regclass order by 1`,
    )
    const lastDay = days.at(-6)?.name
    await database.query(`drop table ${lastDay}`)
  }

  test('names each of its faults with the way to mend it, and nothing else', async () => {
    const { topics } = pipeline
    const { code, wrong } = await examine({
      FANFARE_REDIS_URL: evictingUrl,
      FANFARE_TWILIO_ACCOUNT_SID: 'not-an-account',
    })
    assert.equal(code, 1)
    assert.deepEqual(
      wrong.map(({ check, what }) => `${check}: ${what.replace(/version \S+/, 'version X')}`),
      [
        `topics: ${topics.deliveriesDeadLetter('email')}: retention.ms is 2592000000, declared 1209600000`,
        `topics: ${topics.retry('bulk', '1m')}: missing`,
        `topics: ${topics.deliveries('sms', 'bulk')}: max.message.bytes is 1000, declared 1048588`,
        `retention: ${topics.deliveriesDeadLetter('email')} keeps 30 d, longer than 18 d: a redrive could find its row gone, and send again`,
        `schemas: ${topics.deliveryStatus}-value: missing`,
        'migrations: not run: 0006-channel-pauses',
        'partitions: events have their partitions for 2 days ahead',
        'redis: version X evicts (allkeys-lru): places under caps would be forgotten',
        'providers: sms: FANFARE_TWILIO_ACCOUNT_SID is "not-an-account"',
      ],
    )
    assert.ok(wrong.every(({ level, fix }) => level === 'fault' && fix !== null))
    const fixOf = (check: string) => wrong.find((finding) => finding.check === check)?.fix
    assert.equal(fixOf('topics'), 'fanfare topics apply --replicas 1')
    assert.equal(fixOf('schemas'), 'fanfare schemas register')
    assert.equal(fixOf('migrations'), 'fanfare migrate')
  })

  test('says the same to a person', async () => {
    const { code, stdout } = await runCommand(pipeline, ['doctor', '--replicas', '1'], {
      environment: { FANFARE_REDIS_URL: evictingUrl, ...pipeline.simulator.environment },
    })
    assert.equal(code, 1)
    assert.match(stdout, /^fault {4}migrations {3}not run: 0006-channel-pauses\n {22}→ fanfare migrate$/m)
    assert.match(stdout, /^faults: 8, warnings: 0$/m)
  })

  test('finds nothing any more once that was done', async () => {
    // Nothing of it was undone but that it had run, and it cannot run twice.
    await pipeline.database.query(
      `insert into knex_migrations (name, batch, migration_time) values ('0006-channel-pauses', 1, now())`,
    )
    for (const command of [['topics', 'apply', '--replicas', '1'], ['schemas', 'register'], ['migrate']]) {
      const { code, stderr } = await runCommand(pipeline, command)
      assert.equal(code, 0, stderr)
    }
    const { code, wrong } = await examine()
    assert.deepEqual(wrong, [])
    assert.equal(code, 0)
  })
})
