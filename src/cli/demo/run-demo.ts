/**
 * The demo from an empty folder to a reconciliation: stack, simulator, contracts, people, roles, events, report.
 *
 * Every part is real but the providers, and they are servers that speak the real protocols. Nothing is left running,
 * however it ends; logs stay in the stack's folder.
 */
import { randomBytes } from 'node:crypto'
import { join, relative } from 'node:path'
import type { Environment } from '../../configuration/environment.ts'
import { topicNames } from '../../domain/topic-names.ts'
import type { KafkaConnection } from '../../kafka/connection.ts'
import { comparePredictions, waits, type PublishedEvent } from '../../local/demo/predictions.ts'
import { reportText } from '../../local/demo/report.ts'
import { createScript, demoCategories, type Script } from '../../local/demo/script.ts'
import { countText } from '../../local/demo/text-table.ts'
import { nameOf, type Evidence } from '../../local/reconciliation/evidence.ts'
import { reconcile } from '../../local/reconciliation/reconcile.ts'
import { startSimulator, type Simulator } from '../../local/simulator/simulator.ts'
import type { StackEvent } from '../../local/stack/stack-event.ts'
import { startStack, type Stack } from '../../local/stack/stack.ts'
import { createAudit, type Tally } from '../../postgres/audit.ts'
import { createHotPathPool } from '../../postgres/hot-path-pool.ts'
import { openDatabaseImport, peoplePerImport } from '../../postgres/import.ts'
import { startEventProducer } from '../event-producer.ts'
import { createProgressLine } from '../progress-line.ts'
import { defaultSeed, seedDatabase } from '../seed.ts'
import { stackSentence } from '../stack-sentence.ts'
import { applyContracts } from './contracts.ts'
import { gatherEvidence } from './gather-evidence.ts'
import { createPhases, secondsText, type Phases } from './phases.ts'
import { publishEvents } from './publishing.ts'
import { startRolesProcess, type RolesProcess } from './roles-process.ts'
import { untilSettled, type Progress } from './settling.ts'

export interface DemoOptions {
  events: number
  perSecond: number
  /** The folder for everything that the stack writes. */
  directory: string
  environment: Environment
  signal: AbortSignal
}

const users = 1_000
const seed = defaultSeed
const write = (text: string) => void process.stdout.write(text)

interface World {
  stack: Stack
  simulator: Simulator
  kafka: KafkaConnection
}

/**
 * @returns whether every event was settled, the three parties agree, and what became of the special events is what the
 * script predicted. Throws where a part fails.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { events, directory, environment, signal } = options
  const phases = createPhases(write)
  const script = createScript({ events, users, seed, nowMs: Date.now() })
  phases.say(`Fanfare demo: ${countText(events)} events for ${countText(users)} people, all on this machine`)
  await using opened = new AsyncDisposableStack()
  const [stack, simulator] = await phases.run(sentences.start, () =>
    startWorld({ directory, environment, signal, opened, phases }),
  )
  const kafka: KafkaConnection = { brokers: stack.kafka.brokers, clientId: 'fanfare-demo', log: () => {} }
  const world: World = { stack, simulator, kafka }
  await phases.run(sentences.contracts, () => applyContracts(stack))
  const roles = await phases.run(sentences.roles, () => startRoles(world, { ...options, script, opened }))
  phases.say(`  they log to ${relative(process.cwd(), join(stack.logs, rolesLog))}`)
  const pool = createHotPathPool({ url: stack.postgres.url, applicationName: 'fanfare-demo', maxConnections: 2 })
  opened.defer(() => pool.close())
  const audit = createAudit(pool)
  const published: PublishedEvent[] = []
  const sentence = `publishing ${countText(options.perSecond)} events a second, on both lanes`
  const missing = await phases.run({ name: 'events', sentence }, () =>
    publishAndSettle(world, { ...options, script, roles, published, readTally: audit.tally }),
  )
  if (missing !== undefined) phases.say(`NOT SETTLED: ${missing}`)
  // What is settled in Postgres may still be on its way to the status topic: a drained process has published it.
  await phases.run(sentences.drain, () => roles.end())
  const evidence = await phases.run(sentences.reconcile, () =>
    gatherEvidence({
      published,
      audit,
      kafka,
      topics: topicNames(),
      ledger: simulator.ledger,
      registry: { url: stack.registry.url },
    }),
  )
  const waiting = published.filter(({ outcome }) => outcome !== null && waits(outcome))
  const reconciliation = reconcile(evidence, new Set(waiting.map(nameOf)))
  const predictions = comparePredictions(script.predicted, published, evidence)
  write(`\n${reportText(evidence, { ...reconciliation, predictions })}\n\n`)
  write(`First delivery ${firstDeliveryText(evidence)} after the start.\nTimes: ${phases.summary()}.\n`)
  const holds = predictions.every((prediction) => prediction.holds)
  return missing === undefined && reconciliation.differences.length === 0 && holds
}

const sentences = {
  start: {
    name: 'stack',
    sentence:
      'starting Kafka, schema registry, PostgreSQL, Redis and the provider simulator (the first time: downloads)',
  },
  contracts: { name: 'contracts', sentence: 'creating tables, topics and schemas' },
  roles: { name: 'roles', sentence: `starting every role, and seeding ${countText(users)} people` },
  drain: { name: 'drain', sentence: 'draining the roles' },
  reconcile: { name: 'reconciliation', sentence: 'reading the ledger, Postgres and the status topic' },
} as const

interface Start {
  directory: string
  environment: Environment
  signal: AbortSignal
  opened: AsyncDisposableStack
  phases: Phases
}

async function startWorld({ directory, environment, signal, opened, phases }: Start): Promise<[Stack, Simulator]> {
  const onEvent = (event: StackEvent) => {
    // That a part starts is said already.
    if (event.kind !== 'starting') phases.say(`  ${stackSentence(event)}`)
  }
  const starts = await Promise.allSettled([
    startStack({ directory, environment, mayInstall: true, onEvent, signal }),
    startSimulator(),
  ])
  const [stack, simulator] = starts
  // Whatever has started is ended, also when the other one has not.
  if (stack.status === 'fulfilled') opened.defer(() => stack.value.stop())
  if (simulator.status === 'fulfilled') opened.defer(() => simulator.value.stop())
  if (stack.status === 'rejected') throw stack.reason
  if (simulator.status === 'rejected') throw simulator.reason
  return [stack.value, simulator.value]
}

const rolesLog = 'fanfare.log'
const hashKeyBytes = 32

async function startRoles(
  { stack, simulator }: World,
  { environment, signal, script, opened }: DemoOptions & { script: Script; opened: AsyncDisposableStack },
): Promise<RolesProcess> {
  const starting = startRolesProcess({
    environment: {
      ...environment,
      ...stack.environment,
      ...simulator.environment,
      FANFARE_TOPIC_PREFIX: '',
      // A cap over all categories would meet people whose events the script predicts.
      FANFARE_USER_CAPS: '',
      FANFARE_ADDRESS_HASH_KEY: randomBytes(hashKeyBytes).toString('hex'),
    },
    logFile: join(stack.logs, rolesLog),
    signal,
  })
  // The people come while the roles start; nobody asks for them yet.
  const [roles, ...seedings] = await Promise.allSettled([
    starting,
    seedDatabase({ url: stack.postgres.url, users, seed, signal }),
    addGuests(stack.postgres.url, script),
  ])
  // Where the roles have failed, that is the error to tell.
  if (roles.status === 'fulfilled') opened.defer(() => roles.value.end().catch(() => {}))
  if (roles.status === 'rejected') throw roles.reason
  for (const seeding of seedings) if (seeding.status === 'rejected') throw seeding.reason
  return roles.value
}

/** The script's own people and categories. */
async function addGuests(url: string, { people }: Script): Promise<void> {
  const database = openDatabaseImport(url)
  try {
    await database.addCategories(Object.values(demoCategories))
    for (let first = 0; first < people.length; first += peoplePerImport) {
      await database.addPeople(people.slice(first, first + peoplePerImport))
    }
  } finally {
    await database.close()
  }
}

interface Publishing extends DemoOptions {
  script: Script
  roles: RolesProcess
  /** Filled with what the broker has acknowledged. */
  published: PublishedEvent[]
  readTally: Parameters<typeof untilSettled>[0]['readTally']
}

/** @returns undefined when everything is settled, or what is missing. */
async function publishAndSettle(
  { stack, kafka }: World,
  { events, perSecond, signal, script, roles, published, readTally }: Publishing,
): Promise<string | undefined> {
  const topics = topicNames()
  const producer = await startEventProducer({ kafka, topics, registry: { url: stack.registry.url } })
  const line = createProgressLine()
  try {
    const [missing] = await Promise.all([
      untilSettled({
        events,
        waiting: script.waiting,
        readTally,
        onProgress: (progress) => {
          signal.throwIfAborted()
          roles.assertRunning()
          line.update(progressText(published.length, progress))
        },
      }),
      publishEvents({
        producer,
        events,
        perSecond,
        script,
        signal,
        countLogged: async () => loggedOf(await readTally()),
        onPublished: (batch) => published.push(...batch),
      }),
    ])
    return missing
  } finally {
    line.end()
    await producer.close()
  }
}

function loggedOf({ notifications }: Tally): number {
  return notifications.reduce((sum, { count }) => sum + count, 0)
}

function progressText(published: number, { decided, deferred, sent, open, ended }: Progress): string {
  const counts = { published, decided, deferred, sent, 'not sent': ended, open }
  const shown = Object.entries(counts).filter(([name, count]) => name !== 'deferred' || count > 0)
  return `  ${shown.map(([name, count]) => `${name} ${countText(count)}`).join('  ')}`
}

function firstDeliveryText({ calls }: Evidence): string {
  const [first] = calls.filter(({ verdict }) => verdict === 'accepted')
  return first === undefined ? 'never' : secondsText(first.receivedAtMs - performance.timeOrigin)
}
