/**
 * One run: a random world over two simulated days, from its first event until nothing more is due, as observations for
 * the checker. Where nothing happens the clock jumps.
 */
import { lanes } from '../../src/domain/channel.ts'
import type { TestDatabase } from '../support/database.ts'
import type {
  Cap,
  Category,
  Observations,
  Person,
  PublishedCancel,
  PublishedRequest,
  StatusRecord,
  Suppression,
  Template,
} from './checker/observations.ts'
import type { Choices } from './random-choices.ts'
import { randomPublications, type Publication } from './random-events.ts'
import { randomPopulation } from './random-people.ts'
import { randomCategories, randomTemplates } from './random-rules.ts'
import { commandIn, createSimulatedBroker, encode, topics, type SimulatedBroker } from './simulated-broker.ts'
import { simulateClock, type SimulatedClock } from './simulated-clock.ts'
import { hashAddress, startSimulatedFanfare, type SimulatedFanfare } from './simulated-fanfare.ts'
import { insertPeople, insertRules, insertSuppressions } from './world-rows.ts'

export interface SimulatedRun {
  database: TestDatabase
  redisUrl: string
  choices: Choices
  people: number
  /** Either senders are late, or caps count: a cap is about when things are routed, and the checker sees calls. */
  senders: 'prompt' | 'late'
  from: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const runMs = 80 * hourMs
export const defaultZone = 'Asia/Tokyo'

/** More than a simulated run ever takes: it would stand still. */
const stepsMax = 20_000

export async function simulate(options: SimulatedRun): Promise<Observations> {
  const { database, choices, from } = options
  const world = createWorld(options)
  const clock = await simulateClock(database, from)
  await insertRules(database, world)
  await insertSuppressions(database, world.suppressions, hashAddress)
  const isLate = options.senders === 'late'
  const lagMs = () => (isLate ? choices.pick([0, 0, 10 * minuteMs, hourMs, 3 * hourMs]) : 0)
  const broker = createSimulatedBroker({ now: clock.now, lagMs })
  const fanfare = await startSimulatedFanfare({
    postgresUrl: database.url,
    redisUrl: options.redisUrl,
    clock,
    broker,
    defaultZone,
    capsOverAll: world.capsOverAll,
    accepts: () => choices.chance(0.95),
    loses: () => choices.chance(0.05),
  })
  try {
    const published = await runToItsEnd({ database, clock, broker, fanfare, choices, world, endsAt: from + runMs })
    return await observe({ database, clock, broker, fanfare, world, published })
  } finally {
    await fanfare.close()
  }
}

/** Everybody and every rule of a run, and what producers publish in it. */
export interface World {
  templates: readonly Template[]
  categories: readonly Category[]
  people: readonly Person[]
  suppressions: readonly Suppression[]
  capsOverAll: readonly Cap[]
  publications: readonly Publication[]
}

function createWorld({ choices, people: count, senders, from }: SimulatedRun): World {
  const isCapped = senders === 'prompt'
  const templates = randomTemplates(choices)
  const categories = randomCategories(choices, templates, isCapped)
  const { people, suppressions } = randomPopulation(choices, { count, firstUserId: 1, categories, from })
  const capsOverAll = isCapped ? [{ limit: 4, windowMs: 2 * hourMs }] : []
  const publications = randomPublications(choices, { people, categories, templates, from })
  return { templates, categories, people, suppressions: distinct(suppressions), capsOverAll, publications }
}

function distinct<Item>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}

export interface Running {
  database: TestDatabase
  clock: SimulatedClock
  broker: SimulatedBroker
  fanfare: SimulatedFanfare
}

export interface Published {
  requests: PublishedRequest[]
  cancels: PublishedCancel[]
}

async function runToItsEnd(running: Running & { choices: Choices; world: World; endsAt: number }): Promise<Published> {
  const { database, clock, broker, fanfare, choices, world, endsAt } = running
  const published: Published = { requests: [], cancels: [] }
  const publications = [...world.publications]
  const newcomers = world.people.toSorted((one, other) => one.knownFrom - other.knownFrom)
  for (let step = 0; step < stepsMax; step += 1) {
    const at = Math.min(
      publications[0]?.publishedAt ?? Infinity,
      await nextDue(database),
      ...broker.commands.map((command) => command.at),
      newcomers[0]?.knownFrom ?? Infinity,
    )
    if (at >= endsAt) {
      await clock.moveTo(endsAt)
      return published
    }
    // A scheduler is late by up to a second; caps have to bear it.
    await clock.moveTo(Math.max(at + choices.pick([0, 0, 0, 900]), clock.now() + 1))
    await insertPeople(
      database,
      takeWhile(newcomers, ({ knownFrom }) => knownFrom <= clock.now()),
    )
    for (const each of takeWhile(publications, ({ publishedAt }) => publishedAt <= clock.now())) {
      publish(each, broker, published)
    }
    await fanfare.resume()
    for (const lane of choices.chance(0.5) ? lanes : lanes.toReversed()) await fanfare.route(lane)
    await fanfare.send(broker.takeCommands(clock.now()))
  }
  throw new Error(`a run of more than ${stepsMax} steps`)
}

/** When the next of what waits is due; infinite where nothing waits. */
export async function nextDue(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ at: number | null }>(
    'select (extract(epoch from min(due_at)) * 1000)::double precision as at from scheduled_notifications',
  )
  return row?.at ?? Infinity
}

function takeWhile<Item>(items: Item[], belongs: (item: Item) => boolean): Item[] {
  const end = items.findIndex((item) => !belongs(item))
  return items.splice(0, end === -1 ? items.length : end)
}

/** Puts it on its topic, and writes down that it was published. */
export function publish(publication: Publication, broker: SimulatedBroker, published: Published): void {
  const sequence = published.requests.length + published.cancels.length
  const topic = topics.requested(publication.lane)
  const value = encode(recordOf(publication))
  const { partition, offset } = broker.place({ topic, key: String(publication.userId), value, headers: {} })
  if (publication.kind === 'cancel') {
    const { notificationId, source, createdAt, publishedAt } = publication
    published.cancels.push({ sequence, publishedAt, notificationId, source, createdAt })
  } else {
    const { kind: _, lane: __, ...event } = publication
    published.requests.push({ ...event, sequence, topic, partition, offset: String(offset) })
  }
}

function recordOf(publication: Publication): object {
  if (publication.kind === 'cancel') {
    const { notificationId, source, userId, createdAt, publishedAt: cancelledAt } = publication
    return { kind: 'cancelled', event: { notificationId, source, userId, createdAt, cancelledAt } }
  }
  const { kind: _, lane: __, publishedAt: ___, ...event } = publication
  return { kind: 'requested', event }
}

/** What the checker is to judge. */
export async function observe({
  database,
  clock,
  broker,
  fanfare,
  world,
  published,
}: Running & { world: World; published: Published }): Promise<Observations> {
  const { publications: _, ...rules } = world
  return {
    ...rules,
    ...published,
    defaultZone,
    statuses: broker.statuses.map((status): StatusRecord => ({
      ...status,
      original: status.original && { ...status.original, offset: String(status.original.offset) },
    })),
    deliveries: await database.query<Observations['deliveries'][number]>(deliveries),
    calls: fanfare.calls,
    waiting: [
      ...(await database.query<Observations['waiting'][number]>(waiting)),
      ...broker.commands.map((command) => ({ ...commandIn(command), dueAt: command.at })),
    ],
    endedAt: clock.now(),
  }
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::double precision`

const deliveries = `
  select delivery_id as "deliveryId", notification_id as "notificationId", source, user_id::integer as "userId",
    channel::text, address, lane::text, template_id as "templateId", template_version as "templateVersion", locale,
    ${ms('quiet_from')} as "quietFrom", ${ms('quiet_until')} as "quietUntil", ${ms('expires_at')} as "expiresAt",
    ${ms('routed_at')} as "routedAt"
  from deliveries`

const waiting = `
  select notification_id as "notificationId", source, null as "deliveryId", ${ms('due_at')} as "dueAt"
  from scheduled_notifications`
