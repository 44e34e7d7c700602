/**
 * The router against the ceiling of its client: one pre-filled topic, worked through by the real role with every feature
 * on, and by a loop that only copies each record twice. What comes out of either is counted and must be what the events
 * ask for, else the figures are about something else and the bench fails.
 *
 * Every run begins at the topic's beginning, in a group that has committed nothing, with an empty log and empty output
 * topics. Routers run with the profiles of all people in the cache, as they are in daily use, and with an empty cache.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startEventProducer } from '../../src/cli/event-producer.ts'
import { channels } from '../../src/domain/channel.ts'
import { createHotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { createProfileCache } from '../../src/redis/profile-cache.ts'
import { measureProcess, type Measurement } from '../measured-process.ts'
import { inRotation, spreadOf, type Spread } from '../rounds.ts'
import { projectFolder, type World } from '../world.ts'
import { differences, expectedOutcome, type Outcome } from './outcome.ts'
import { foundOutcome } from './found-outcome.ts'
import { insertPeople, peopleCount } from './people.ts'
import { eventsOf, insertRules, userCaps, type BenchEvent } from './workload.ts'

export const variants = ['copy', 'router', 'router, no profile cached'] as const
export type Variant = (typeof variants)[number]

export interface RouterFigures {
  events: number
  people: number
  expected: Outcome
  figures: Record<Variant, VariantFigures>
}

export interface VariantFigures {
  eventsPerSecond: Spread
  /** Against the copy of the same round. */
  ofCopy: Spread
  cpuMicros: Spread
  /** Of the parts of the stack, where they are known. */
  partsCpuMicros: Readonly<Record<string, Spread>>
}

export interface RouterBenchOptions {
  events: number
  rounds: number
  say(line: string): void
}

const hashKeyBytes = 32
export const copiesPerRecord = 2
const copyPartitions = 12

/** @throws where a run does not come to its end, or comes to something else than the events ask for. */
export async function runRouterBench(
  world: World,
  { events: count, rounds, say }: RouterBenchOptions,
): Promise<RouterFigures> {
  const hashKey = randomBytes(hashKeyBytes)
  say(`writing ${peopleCount} people`)
  await insertRules(world.database)
  await insertPeople(world.database, (email) => createHmac('sha256', hashKey).update(`email:${email}`).digest())
  say(`publishing ${count} events`)
  const events = eventsOf(count, Date.now())
  await publish(world, events)
  const bench: Bench = { world, events: count, expected: expectedOutcome(events), hashKey, logs: logFolder() }
  await createCopyTopic(bench)
  const measured = await inRotation(variants, rounds, async (variant, round) => {
    const measurement = await measureVariant(bench, variant)
    say(`round ${round + 1}, ${variant}: ${Math.round(measurement.eventsPerSecond)} events/s`)
    return measurement
  })
  return { events: count, people: peopleCount, expected: bench.expected, figures: figuresOf(measured) }
}

interface Bench {
  world: World
  events: number
  expected: Outcome
  hashKey: Uint8Array
  logs: string
}

function logFolder(): string {
  const folder = join(projectFolder, '.fanfare/bench/logs')
  mkdirSync(folder, { recursive: true })
  return folder
}

const eventsPerPublication = 2_000

async function publish({ kafka, registryUrl, topics }: World, events: readonly BenchEvent[]): Promise<void> {
  const producer = await startEventProducer({ kafka, registry: { url: registryUrl }, topics })
  try {
    for (let first = 0; first < events.length; first += eventsPerPublication) {
      const batch = events.slice(first, first + eventsPerPublication)
      await producer.publish(batch.map(({ event }) => ({ lane: 'bulk', event })))
    }
  } finally {
    await producer.close()
  }
}

async function measureVariant(bench: Bench, variant: Variant): Promise<Measurement> {
  await reset(bench)
  if (variant === 'copy') return measureCopy(bench)
  if (variant === 'router') await cacheProfiles(bench.world)
  return measureRouter(bench)
}

const copyTopic = ({ prefix }: World) => `${prefix}copy`
const copyGroup = ({ prefix }: World) => `${prefix}copy`

async function createCopyTopic({ world }: Bench): Promise<void> {
  await world.admin.createTopics({
    topics: [{ topic: copyTopic(world), numPartitions: copyPartitions, replicationFactor: 1 }],
    waitForLeaders: true,
  })
}

/** As if nobody had ever read the topic. */
async function reset({ world }: Bench): Promise<void> {
  const { admin, database, topics } = world
  for (const group of [copyGroup(world), topics.group('router', 'bulk')]) {
    // Of a group that is not there nothing has to be forgotten.
    await admin.deleteGroups([group]).catch(() => {})
  }
  await database.query('truncate notifications, deliveries, scheduled_notifications')
  // Else one run would write out what another has written.
  await database.query('checkpoint')
  await world.forget('')
  for (const topic of outputTopics(world)) {
    const ends = await admin.fetchTopicOffsets(topic)
    const filled = ends.filter(({ low, high }) => low !== high)
    if (filled.length === 0) continue
    await admin.deleteTopicRecords({
      topic,
      partitions: filled.map(({ partition, high }) => ({ partition, offset: high })),
    })
  }
}

function outputTopics(world: World): string[] {
  const { topics } = world
  return [copyTopic(world), topics.deliveryStatus, ...channels.map((channel) => topics.deliveries(channel, 'bulk'))]
}

const profilesPerChunk = 500

async function cacheProfiles({ redis, prefix, environment }: World): Promise<void> {
  const failed = (operation: string) => {
    throw new Error(`the cache of profiles fails to ${operation}`)
  }
  const cache = createProfileCache({ redis, keyPrefix: prefix, failed })
  const url = environment['FANFARE_POSTGRES_URL'] ?? ''
  const pool = createHotPathPool({ url, applicationName: 'fanfare-bench', maxConnections: 1 })
  const { loadProfiles } = createProfiles(pool)
  try {
    for (let first = 1; first <= peopleCount; first += profilesPerChunk) {
      const userIds = Array.from({ length: profilesPerChunk }, (_, index) => first + index)
      await cache.store((await loadProfiles(userIds)).values())
    }
  } finally {
    await pool.close()
  }
}

async function measureCopy({ world, events, logs }: Bench): Promise<Measurement> {
  const target = copyTopic(world)
  const copied = async () => (await recordsOn(world, target)) / copiesPerRecord
  const requested = world.topics.requested('bulk')
  const measurement = await measureProcess(world, {
    command: ['bench/router/copy.ts', world.kafka.brokers.join(), copyGroup(world), requested, target],
    environment: {},
    logFile: join(logs, 'copy.log'),
    events,
    finished: copied,
  })
  const copies = await copied()
  if (copies !== events) throw new Error(`${events} records became ${copies * copiesPerRecord} copies`)
  return measurement
}

async function measureRouter({ world, events, expected, hashKey, logs }: Bench): Promise<Measurement> {
  const topic = world.topics.requested('bulk')
  const groupId = world.topics.group('router', 'bulk')
  const measurement = await measureProcess(world, {
    command: ['src/main.ts', 'router', '--lane', 'bulk'],
    environment: {
      ...world.environment,
      FANFARE_USER_CAPS: userCaps,
      FANFARE_ADDRESS_HASH_KEY: Buffer.from(hashKey).toString('hex'),
      FANFARE_ADMIN_PORT: '0',
    },
    logFile: join(logs, 'router.log'),
    events,
    // It commits a chunk when all that follows from it is acknowledged.
    finished: async () => {
      const [committed] = await world.admin.fetchOffsets({ groupId, topics: [topic] })
      return (committed?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
    },
  })
  const wrong = differences(expected, await foundOutcome(world))
  if (wrong.length > 0) throw new Error(`the router did something else than the events ask for:\n${wrong.join('\n')}`)
  return measurement
}

async function recordsOn({ admin }: World, topic: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic)
  return ends.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
}

function figuresOf(measured: Record<Variant, Measurement[]>): Record<Variant, VariantFigures> {
  return Object.fromEntries(
    variants.map((variant) => [variant, figuresOfVariant(measured[variant], measured.copy)]),
  ) as Record<Variant, VariantFigures>
}

function figuresOfVariant(own: readonly Measurement[], copies: readonly Measurement[]): VariantFigures {
  const parts = Object.keys(own[0]?.partsCpuMicros ?? {})
  return {
    eventsPerSecond: spreadOf(own.map(({ eventsPerSecond }) => eventsPerSecond)),
    ofCopy: spreadOf(own.map(({ eventsPerSecond }, round) => eventsPerSecond / (copies[round]?.eventsPerSecond ?? 0))),
    cpuMicros: spreadOf(own.map(({ cpuMicros }) => cpuMicros)),
    partsCpuMicros: Object.fromEntries(
      parts.map((part) => [part, spreadOf(own.map(({ partsCpuMicros }) => partsCpuMicros[part] ?? 0))]),
    ),
  }
}
