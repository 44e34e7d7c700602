/**
 * An outage under caps on a simulated clock: people hear as much as they may and the rest waits for its places; then
 * nothing of Fanfare runs for a while, in which all places fall due; then it comes back, and works until nothing waits.
 */
import type { TestDatabase } from '../support/database.ts'
import type { Category, Observations, Person } from './checker/observations.ts'
import type { Publication } from './random-events.ts'
import { createSimulatedBroker } from './simulated-broker.ts'
import { simulateClock } from './simulated-clock.ts'
import { startSimulatedFanfare, type Resumption } from './simulated-fanfare.ts'
import { defaultZone, nextDue, observe, publish, type Published, type World } from './simulated-run.ts'
import { insertPeople, insertRules } from './world-rows.ts'

export interface SimulatedOutage {
  database: TestDatabase
  redisUrl: string
  from: number
  people: number
  eventsEach: number
  /** Of their one category. */
  cap: Category['caps'][number]
  outageMs: number
  pacePerSecond: number
}

export interface AfterOutage {
  observations: Observations
  /** How many waited when Fanfare came back, all of them overdue. */
  overdue: number
  resumptions: readonly Resumption[]
}

const lane = 'transactional'
const dayMs = 86_400_000
/** More waves than any cap of a run makes: it would stand still. */
const wavesMax = 1_000

export async function simulateOutage(options: SimulatedOutage): Promise<AfterOutage> {
  const { database, redisUrl, from, outageMs, pacePerSecond } = options
  const world = createWorld(options)
  const clock = await simulateClock(database, from)
  await insertRules(database, world)
  await insertPeople(database, world.people)
  const broker = createSimulatedBroker({ now: clock.now, lagMs: () => 0 })
  const fanfare = await startSimulatedFanfare({
    postgresUrl: database.url,
    redisUrl,
    clock,
    broker,
    defaultZone,
    capsOverAll: world.capsOverAll,
    accepts: () => true,
    loses: () => false,
  })
  const published: Published = { requests: [], cancels: [] }
  const work = async () => {
    await fanfare.route(lane)
    await fanfare.send(broker.takeCommands(clock.now()))
  }
  try {
    for (const publication of world.publications) publish(publication, broker, published)
    await work()
    await clock.moveTo(from + outageMs)
    const overdue = await countDue(database, clock.now())
    const resumptions: Resumption[] = []
    for (let waves = 0; (await nextDue(database)) < Infinity; waves += 1) {
      if (waves === wavesMax) throw new Error(`still something waits after ${wavesMax} waves`)
      await clock.moveTo(await nextDue(database))
      const meanwhile = work
      resumptions.push(...(await fanfare.resumeUntil(clock.now() + 1_000, { lane, pacePerSecond, meanwhile })))
      await work()
    }
    return { observations: await observe({ database, clock, broker, fanfare, world, published }), overdue, resumptions }
  } finally {
    await fanfare.close()
  }
}

async function countDue(database: TestDatabase, at: number): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::integer as count from scheduled_notifications
     where due_at <= to_timestamp($1::double precision / 1000)`,
    [at],
  )
  return row?.count ?? 0
}

function createWorld({ from, people: count, eventsEach, cap }: SimulatedOutage): World {
  const people = Array.from({ length: count }, (_, index) => aPerson(index + 1, from))
  return {
    templates: [{ templateId: 'news', version: 1, defaultLocale: 'en', contents: [emailContent] }],
    categories: [{ ...aCategory, caps: [cap] }],
    people,
    suppressions: [],
    capsOverAll: [],
    publications: people.flatMap((person) =>
      Array.from({ length: eventsEach }, (_, index) => anEvent(person, index, from)),
    ),
  }
}

const emailContent = { channel: 'email', locale: 'en', variables: [] }

const aCategory = {
  name: 'news',
  lane,
  channels: ['email'],
  isMandatory: false,
  optInDefault: true,
  overCap: 'defer',
  quietHours: 'defer',
  sendWindow: null,
  timeToLiveMs: dayMs,
  template: 'news',
} as const

function aPerson(userId: number, from: number): Person {
  return {
    userId,
    knownFrom: from,
    locale: 'en',
    timeZone: null,
    quietHours: null,
    devices: [],
    phoneNumber: null,
    email: `user-${userId}@example.com`,
    channelSettings: [],
    categorySettings: [],
  }
}

function anEvent({ userId }: Person, index: number, from: number): Publication {
  return {
    kind: 'request',
    lane,
    publishedAt: from,
    notificationId: `00000000-0000-4000-8000-${String(userId * 1_000 + index).padStart(12, '0')}`,
    source: 'shop',
    userId,
    category: 'news',
    template: null,
    locale: null,
    data: {},
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt: from,
  }
}
