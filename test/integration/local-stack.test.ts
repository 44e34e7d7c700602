import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { identifyProcess, mayBeAlive } from '../../src/local/stack/process-table.ts'
import { createStackDirectory } from '../../src/local/stack/stack-directory.ts'
import type { StackEvent } from '../../src/local/stack/stack-event.ts'
import { type Stack, startStack } from '../../src/local/stack/stack.ts'
import { waitUntil } from '../../src/local/stack/wait-until.ts'
import type { StackOwnerReport } from '../support/stack-owner.ts'

const CACHE = join(import.meta.dirname, '..', '..', '.fanfare', 'cache')
const OWNER_PROGRAM = join(import.meta.dirname, '..', 'support', 'stack-owner.ts')
const ORPHAN_DEADLINE_MS = 10_000
const DEATH_NOTICE_DEADLINE_MS = 5_000
const isRoot = process.getuid?.() === 0

interface OwnedStack extends StackOwnerReport {
  owner: ChildProcess
  directory: string
}

describe('the local stack', () => {
  const events: StackEvent[] = []
  let temporary: string
  let directory: string
  let stack: Stack
  let other: OwnedStack

  // Two stacks start at the same time; the other one belongs to a process of its own.
  before(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'fanfare-test-'))
    directory = join(temporary, 'own')
    const options = { directory, cacheDirectory: CACHE, environment: process.env, mayInstall: true }
    const onEvent = (event: StackEvent) => void events.push(event)
    ;[stack, other] = await Promise.all([
      startStack({ ...options, onEvent }),
      startOwnedStack(join(temporary, 'closed')),
    ])
  })

  after(async () => {
    other?.owner.kill('SIGKILL')
    await stack?.stop()
    await rm(temporary, { recursive: true, force: true })
  })

  test('shares no port and no data with another one on the machine', async () => {
    const addresses = [...portsOf(stack.environment), ...portsOf(other.environment)]
    assert.equal(new Set(addresses).size, 8)

    await query(stack.environment, 'create table only_here ()')
    const found = await query(other.environment, `select to_regclass('only_here') as found`)
    assert.deepEqual(found, [{ found: null }])
    assert.notEqual(await clusterId(stack.environment), await clusterId(other.environment))
  })

  test('runs PostgreSQL from a checkout that its user cannot enter', { skip: !isRoot && 'needs root' }, async () => {
    assert.equal(statSync(dirname(other.directory)).mode & 0o777, 0o700)
    const [row] = await query(other.environment, `select current_setting('data_directory') as data`)
    const data = String(row?.['data'])
    assert.ok(!data.startsWith(other.directory))
    assert.notEqual(statSync(data).uid, 0)
  })

  test('finds its data again after a restart of Kafka, PostgreSQL and Redis, crashed or not', async () => {
    await query(stack.environment, `create table kept as select 'kept' as value`)
    await produce(stack.environment, 'kept')
    await withRedis(stack.environment, (redis) => redis.set('kept', 'kept'))
    const crash = async (part: 'kafka' | 'postgres' | 'redis') => {
      await stack.kill(part, 'SIGKILL')
      assert.equal(stack.processIds()[part], undefined)
      await stack.restart(part)
    }
    await Promise.all([stack.restart('kafka'), crash('postgres'), crash('redis')])
    assert.deepEqual(await query(stack.environment, 'select value from kept'), [{ value: 'kept' }])
    assert.equal(await recordCount(stack.environment, 'kept'), 1)
    assert.equal(await withRedis(stack.environment, (redis) => redis.get('kept')), 'kept')
  })

  test('brings the registry back empty, at the same address', async () => {
    const url = `${stack.registry.url}/subjects`
    const registered = await fetch(`${url}/sample/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: '"string"' }),
    })
    assert.equal(registered.status, 200)
    assert.deepEqual(await (await fetch(url)).json(), ['sample'])
    await stack.restart('registry')
    assert.deepEqual(await (await fetch(url)).json(), [])
  })

  test('says when a part dies, and can bring it back', async () => {
    process.kill(stack.processIds().redis!, 'SIGKILL')
    const isTold = () => events.some((event) => event.kind === 'died')
    assert.ok((await waitUntil(isTold, { timeoutMs: DEATH_NOTICE_DEADLINE_MS })).met)
    const deaths = events.filter((event) => event.kind === 'died')
    assert.deepEqual(
      deaths.map(({ part, signal }) => ({ part, signal })),
      [{ part: 'redis', signal: 'SIGKILL' }],
    )
    await stack.restart('redis')
    assert.equal(await withRedis(stack.environment, (redis) => redis.ping()), 'PONG')
  })

  test('hangs and goes on with SIGSTOP and SIGCONT', async () => {
    const client = new Client({ connectionString: stack.postgres.url })
    await client.connect()
    await stack.kill('postgres', 'SIGSTOP')
    let isAnswered = false
    const answer = client.query('select 1 as one').then((result) => {
      isAnswered = true
      return result.rows as unknown
    })
    // A server that runs answers within these asks; one that hangs cannot, however long they are.
    await waitUntil(() => isAnswered, { timeoutMs: 300 })
    assert.equal(isAnswered, false)
    await stack.kill('postgres', 'SIGCONT')
    assert.deepEqual(await answer, [{ one: 1 }])
    await client.end()
  })

  test('leaves no process behind when its owner is killed with -9', async () => {
    assert.ok(other.processes.length >= 4)
    assert.ok(other.processes.every(mayBeAlive))
    other.owner.kill('SIGKILL')
    const allGone = () => !other.processes.some(mayBeAlive)
    const gone = await waitUntil(allGone, { timeoutMs: ORPHAN_DEADLINE_MS })
    const survivors = other.processes.filter(mayBeAlive).map(({ pid }) => pid)
    assert.ok(gone.met, `still alive: ${survivors.join(', ')}`)
  })

  test('clears the data of a killed owner at the next start, and keeps its logs', async () => {
    const [left] = readdirSync(join(other.directory, 'stacks'))
    assert.ok(left !== undefined)
    const leftDirectory = join(other.directory, 'stacks', left)
    assert.ok(existsSync(join(leftDirectory, 'data')))
    const next = await createStackDirectory({ directory: other.directory, postgresRunsAsOther: isRoot })
    await next.removeData()
    assert.ok(!existsSync(join(leftDirectory, 'data')))
    assert.ok(existsSync(join(leftDirectory, 'logs', 'kafka.log')))
    assert.deepEqual(temporaryFoldersOf(left), [])
  })

  test('stops with all its processes and data, leaves its logs, and may be stopped again', async () => {
    const processes = Object.values(stack.processIds()).map(identifyProcess)
    const id = basename(dirname(stack.logs))
    assert.equal(temporaryFoldersOf(id).length, isRoot ? 1 : 0)
    await Promise.all([stack.stop(), stack.stop()])
    await stack.stop()
    assert.equal(processes.length, 4)
    for (const identity of processes) assert.ok(identity !== undefined && !mayBeAlive(identity))
    assert.deepEqual(temporaryFoldersOf(id), [])
    assert.deepEqual(readdirSync(dirname(stack.logs)).toSorted(), ['logs', 'owner.json'])
  })
})

/** Starts a stack that belongs to a process of its own, in a folder within one that other users cannot enter. */
async function startOwnedStack(closedDirectory: string): Promise<OwnedStack> {
  await mkdir(closedDirectory, { mode: 0o700 })
  const directory = join(closedDirectory, '.fanfare')
  const owner = spawn(process.execPath, [OWNER_PROGRAM, directory, CACHE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: owner.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), once(owner, 'exit')])) as [unknown]
  assert.equal(typeof line, 'string', 'the owner ended before its stack was ready')
  return { ...(JSON.parse(String(line)) as StackOwnerReport), owner, directory }
}

function temporaryFoldersOf(stackId: string): string[] {
  return readdirSync(tmpdir()).filter((name) => name.includes(stackId))
}

function portsOf(environment: Readonly<Record<string, string>>): number[] {
  return Object.values(environment).map((address) => Number(/127\.0\.0\.1:(\d+)/.exec(address)?.[1]))
}

async function query(
  environment: Readonly<Record<string, string>>,
  text: string,
): Promise<Array<Record<string, unknown>>> {
  const client = new Client({ connectionString: environment['FANFARE_POSTGRES_URL'] })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

async function withRedis<Result>(
  environment: Readonly<Record<string, string>>,
  use: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = new Redis(String(environment['FANFARE_REDIS_URL']))
  try {
    return await use(redis)
  } finally {
    await redis.quit()
  }
}

function kafkaOf(environment: Readonly<Record<string, string>>): Kafka {
  return new Kafka({ brokers: [String(environment['FANFARE_KAFKA_BROKERS'])], logLevel: logLevel.NOTHING })
}

async function clusterId(environment: Readonly<Record<string, string>>): Promise<string> {
  const admin = kafkaOf(environment).admin()
  await admin.connect()
  const cluster = await admin.describeCluster()
  await admin.disconnect()
  return cluster.clusterId
}

async function produce(environment: Readonly<Record<string, string>>, topic: string): Promise<void> {
  const kafka = kafkaOf(environment)
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: [{ value: 'kept' }] })
  await producer.disconnect()
}

async function recordCount(environment: Readonly<Record<string, string>>, topic: string): Promise<number> {
  const admin = kafkaOf(environment).admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
}
