/** The programs of examples/producers/, run as docs/producers.md shows them, against Fanfare's own encoder and roles. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import { fetchMissing } from '../../src/local/stack/artifacts.ts'
import { thisSystem } from '../../src/local/stack/prerequisites.ts'
import { anEvent, emailOf, insertPerson } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const root = join(import.meta.dirname, '../..')
const schemaFile = join(root, 'avro/notification-requested.avsc')
const producers = join(root, 'examples/producers')
/** A Java that compiles before it runs, on a loaded machine. */
const programLimitMs = 90_000
const fetchLimitMs = 120_000
const runFile = promisify(execFile)

let pipeline: Pipeline
before(async () => {
  pipeline = await startPipeline()
  const published = await runCommand(pipeline, ['templates', 'publish', 'examples/templates/order-receipt'])
  assert.equal(published.code, 0, published.stderr)
  await pipeline.database.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id)
     values ('order-receipt', 'transactional', '{email}', 3600, 'order-receipt')`,
  )
  await pipeline.start(['router', '--lane', 'transactional'])
  await pipeline.start(['sender', '--channel', 'email', '--lane', 'transactional'])
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** What the programs say, in our own type. */
function orderReceipt(given: Pick<NotificationRequested, 'userId'>): NotificationRequested {
  return anEvent({
    category: 'order-receipt',
    data: {
      order_id: 'A-7F31C2',
      customer_name: 'Ada',
      lines: [
        { name: 'Umbrella', quantity: 1, price: '€24.00', note: null },
        { name: 'Trail shoes', quantity: 2, price: '€178.00', note: '38 and 44' },
      ],
      total: '€202.00',
    },
    ...given,
  })
}

/** Runs a program to its end; rejects with what it printed if that is not a good one. */
async function run(program: string, options: readonly string[], event: NotificationRequested): Promise<void> {
  const { brokers, registryUrl } = readStackEnvironment()
  const identity = [event.notificationId, String(event.userId), String(event.createdAt)]
  await runFile(program, [...options, schemaFile, ...identity], {
    timeout: programLimitMs,
    env: {
      ...process.env,
      KAFKA_BROKERS: brokers.join(','),
      REGISTRY_URL: registryUrl,
      TOPIC: pipeline.topics.requested('transactional'),
    },
  })
}

/** What keeps the Java program from running here, or false. */
function missingForJava(): string | false {
  const java = system.findJava()
  // Only a JDK compiles a source file on its way to running it.
  const hasCompiler = java !== undefined && existsSync(join(dirname(realpathSync(java.program)), 'javac'))
  if (!hasCompiler) return 'a JDK of 17 or newer is missing: apt-get install default-jdk-headless'
  if (!existsSync(javaLibraries) && system.find('mvn') === undefined) return 'Maven is missing: apt-get install maven'
  return false
}

const system = thisSystem(process.env)
const pomFile = join(producers, 'java/pom.xml')
const cacheDirectory = join(root, '.fanfare/cache')
const pomHash = createHash('sha256').update(readFileSync(pomFile)).digest('hex').slice(0, 12)
const javaLibraries = join(cacheDirectory, `java-producer-${pomHash}`)

/** From the stack's cache, or through Maven into it. */
async function fetchJavaLibraries(): Promise<void> {
  const logFolder = mkdtempSync(join(tmpdir(), 'fanfare-maven-'))
  const title = 'the libraries of the Java producer'
  await fetchMissing([{ title, directory: javaLibraries, pomFile, goal: ['dependency:copy-dependencies'] }], {
    cacheDirectory,
    system,
    environment: process.env,
    logFile: join(logFolder, 'maven.log'),
    onEvent: ({ kind }) => void (kind === 'downloading' && process.stderr.write(`downloading ${title}\n`)),
    signal: AbortSignal.timeout(fetchLimitMs),
  })
  rmSync(logFolder, { recursive: true })
}

async function produceInTypeScript(event: NotificationRequested): Promise<void> {
  await run(process.execPath, [join(producers, 'typescript/produce.ts')], event)
}

async function produceInJava(event: NotificationRequested): Promise<void> {
  const java = system.findJava()?.program ?? assert.fail('Java was there a moment ago')
  const source = join(producers, 'java/Produce.java')
  // The first two only make it start in half the time.
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dfile.encoding=UTF-8']
  await run(java, [...flags, '-cp', join(javaLibraries, '*'), source], event)
}

async function recordsOf(event: NotificationRequested): Promise<ConsumedRecord[]> {
  const records = await pipeline.read(pipeline.topics.requested('transactional'))
  return records.filter(({ value }) => Buffer.from(value ?? []).includes(event.notificationId))
}

async function storyOf({ notificationId }: NotificationRequested): Promise<string[]> {
  const statuses = await pipeline.statuses(notificationId)
  return statuses.map(({ status, reason }) => (reason === null ? status : `${status}/${reason}`)).toSorted()
}

type Produce = (event: NotificationRequested) => Promise<void>

/** Two people's events are published by the program and delivered; then others publish the same events again. */
async function checkProducer(produce: Produce, userIds: [number, number], again: readonly Produce[]): Promise<void> {
  for (const userId of userIds) await insertPerson(pipeline.database, { userId })
  const events = userIds.map((userId) => orderReceipt({ userId }))
  await Promise.all(events.map(produce))
  await pipeline.untilSettled()
  for (const { userId } of events) {
    const [mail, ...more] = pipeline.simulator.ledger.entries({ address: emailOf(userId) })
    assert.deepEqual(more, [])
    assert.equal(mail?.verdict, 'accepted')
    assert.match(mail.content.body ?? '', /^- 2 × Trail shoes: €178\.00\n {2}\(38 and 44\)$/m)
  }

  for (const produceAgain of again) await Promise.all(events.map(produceAgain))
  await pipeline.untilSettled()
  const partitions = new Set<number>()
  for (const event of events) {
    const [theirs, ...repeats] = await recordsOf(event)
    assert.ok(theirs !== undefined)
    assert.equal(repeats.length, again.length)
    for (const { key, value, partition } of repeats) {
      assert.deepEqual({ key, value, partition }, { key: theirs.key, value: theirs.value, partition: theirs.partition })
    }
    partitions.add(theirs.partition)
    // No conflict: to the router it is the same event, tried again.
    const repeated = again.map(() => 'duplicate/repeated_id')
    assert.deepEqual(await storyOf(event), [...repeated, 'routed', 'sent'])
  }
  assert.equal(partitions.size, 2, 'two people whose partitions differ, so that a wrong partitioner shows')
}

describe('a producer of events', () => {
  test('in TypeScript writes the bytes, key and partition that ours writes, and its events are delivered', async () => {
    await checkProducer(produceInTypeScript, [1, 2], [(event) => pipeline.request(event)])
  })

  test(
    'in Java writes what ours and the one in TypeScript write, and its events are delivered',
    {
      skip: missingForJava(),
    },
    async () => {
      await fetchJavaLibraries()
      await checkProducer(produceInJava, [3, 4], [(event) => pipeline.request(event), produceInTypeScript])
    },
  )
})
