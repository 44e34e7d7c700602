/**
 * The real decision path around a simulated clock: the routers of both lanes with real Postgres and Redis, the real
 * scheduler, and the real senders, which claim and settle with the real statements. Only the broker and the providers
 * stand in for others.
 */
import { randomUUID } from 'node:crypto'
import { channels, lanes, requestChannelOf, type Channel, type Lane } from '../../src/domain/channel.ts'
import type { OutgoingMessage, Outcome } from '../../src/domain/provider.ts'
import { createCategories } from '../../src/postgres/categories.ts'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createHotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createNotificationLog } from '../../src/postgres/notification-log.ts'
import { createProfiles } from '../../src/postgres/profiles.ts'
import { createScheduledNotifications } from '../../src/postgres/scheduled-notifications.ts'
import { createSuppressions } from '../../src/postgres/suppressions.ts'
import { createTemplates } from '../../src/postgres/templates.ts'
import { createCaps } from '../../src/redis/caps.ts'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { createProfileCache } from '../../src/redis/profile-cache.ts'
import { addressHasher, sha1, sha256 } from '../../src/roles/infrastructure.ts'
import type { RouterPorts } from '../../src/services/router/ports.ts'
import { createProfileSource } from '../../src/services/router/profile-source.ts'
import { createRouter } from '../../src/services/router/router.ts'
import type { SchedulerPorts } from '../../src/services/scheduler/ports.ts'
import { createScheduler } from '../../src/services/scheduler/scheduler.ts'
import type { SenderPorts } from '../../src/services/sender/ports.ts'
import { createSender } from '../../src/services/sender/sender.ts'
import type { Cap, ProviderCall } from './checker/observations.ts'
import { decode, encode, topics, type Command, type SimulatedBroker } from './simulated-broker.ts'
import type { SimulatedClock } from './simulated-clock.ts'

export const hashAddress = addressHasher(Buffer.alloc(32, 'routing'))

export interface SimulatedFanfare {
  /** Whatever is due by now goes back to its requested topic. */
  resume(): Promise<void>
  /**
   * The lane's scheduler works until the clock shows the moment; where it sleeps, the clock goes on, and the rest of
   * Fanfare works. @returns when how many came back.
   */
  resumeUntil(until: number, schedule: PacedSchedule): Promise<Resumption[]>
  /** Whatever lies on the lane's requested topic is settled; at times its offset is lost, and it comes again. */
  route(lane: Lane): Promise<void>
  send(commands: readonly Command[]): Promise<void>
  readonly calls: readonly ProviderCall[]
  close(): Promise<void>
}

export interface PacedSchedule {
  lane: Lane
  pacePerSecond: number
  meanwhile(): Promise<void>
}

export interface Resumption {
  at: number
  count: number
}

export interface Parts {
  postgresUrl: string
  redisUrl: string
  clock: SimulatedClock
  broker: SimulatedBroker
  capsOverAll: readonly Cap[]
  defaultZone: string
  /** Whether the provider takes this message. */
  accepts(): boolean
  /** Whether a router dies between its publication and its commit. */
  loses(): boolean
}

const chunkSize = 500

export async function startSimulatedFanfare(parts: Parts): Promise<SimulatedFanfare> {
  const { postgresUrl: url, redisUrl, broker } = parts
  const pool = createHotPathPool({ url, applicationName: 'routing-simulation', maxConnections: 8 })
  const redis = connectRedis({ url: redisUrl, lost: () => {} })
  if (!(await untilRedisReady(redis, 5_000))) throw new Error('no Redis')
  const ports = routerPorts(parts, pool, redis)
  const routers = { transactional: createRouter('transactional', ports), bulk: createRouter('bulk', ports) }
  const calls: ProviderCall[] = []
  const senders = new Map<string, (commands: readonly Command[]) => Promise<void>>(
    lanes.flatMap((lane) =>
      channels.map(
        (channel) => [`${channel} ${lane}`, startSender({ channel, lane }, parts, { pool, calls })] as const,
      ),
    ),
  )
  return {
    calls,
    resume: () => resume(parts, pool),
    resumeUntil: (until, schedule) => resumeUntil(until, schedule, parts, pool),
    route: async (lane) => {
      const records = broker.takeRequests(lane)
      for (let at = 0; at < records.length; at += chunkSize) {
        const chunk = records.slice(at, at + chunkSize)
        await routers[lane].handle(chunk)
        if (parts.loses()) await routers[lane].handle(chunk)
      }
    },
    send: async (commands) => {
      const bySender = Map.groupBy(commands, ({ channel, lane }) => `${channel} ${lane}`)
      await Promise.all([...bySender].map(async ([name, theirs]) => senders.get(name)?.(theirs)))
    },
    close: async () => {
      redis.disconnect()
      await pool.close()
    },
  }
}

type Pool = ReturnType<typeof createHotPathPool>
type Redis = ReturnType<typeof connectRedis>

/** One look at each lane: the scheduler ends where it would sleep until the next. */
async function resume(parts: Parts, pool: Pool): Promise<void> {
  const looked = new AbortController()
  const ports = { ...schedulerPorts(parts, pool, () => {}), sleep: async () => looked.abort() }
  await createScheduler({ lanes, pacePerSecond: 1_000 }, ports).run(looked.signal)
}

async function resumeUntil(
  until: number,
  { lane, pacePerSecond, meanwhile }: PacedSchedule,
  parts: Parts,
  pool: Pool,
): Promise<Resumption[]> {
  const { clock } = parts
  const resumptions: Resumption[] = []
  const over = new AbortController()
  const ports = {
    ...schedulerPorts(parts, pool, (count) => resumptions.push({ at: clock.now(), count })),
    sleep: async (ms: number) => {
      await meanwhile()
      await clock.moveTo(clock.now() + ms)
      if (clock.now() >= until) over.abort()
    },
  }
  await createScheduler({ lanes: [lane], pacePerSecond }, ports).run(over.signal)
  return resumptions
}

function schedulerPorts(
  { clock, broker }: Parts,
  pool: Pool,
  resumed: (count: number) => void,
): Omit<SchedulerPorts, 'sleep'> {
  return {
    takeDue: createScheduledNotifications(pool).takeDue,
    publish: broker.publish,
    requestedTopic: (lane) => topics.requested(lane),
    clock: clock.now,
    observe: (observation) => {
      if (observation.kind === 'unavailable') throw observation.error
      if (observation.kind === 'resumed') resumed(observation.count)
    },
  }
}

function routerPorts({ clock, broker, capsOverAll, defaultZone }: Parts, pool: Pool, redis: Redis): RouterPorts {
  const keyPrefix = `routing-${randomUUID()}.`
  const failed = (operation: string, code: string) => {
    throw new Error(`redis fails to ${operation}: ${code}`)
  }
  const suppressions = createSuppressions(pool)
  return {
    reader: {
      decode: async (values) =>
        values.map((value) => {
          const { kind, event } = decode<{ kind: 'requested' | 'cancelled'; event: never }>(value)
          return { kind, event }
        }),
    },
    log: createNotificationLog(pool),
    loadProfiles: createProfileSource({
      cache: createProfileCache({ redis, keyPrefix, failed: (operation) => failed(operation, 'cache') }),
      loadFromDatabase: createProfiles(pool).loadProfiles,
      observe: () => {},
    }),
    loadCategories: createCategories(pool).loadCategories,
    loadTemplates: createTemplates(pool).loadPublished,
    findSuppressed: (questions) =>
      suppressions.findSuppressed(
        questions.map(({ channel, address, category }) => ({
          channel,
          category,
          addressHash: hashAddress(channel, address),
        })),
      ),
    caps: createCaps({ redis, keyPrefix, failed, now: clock.now }),
    userCaps: capsOverAll.map(({ limit, windowMs }) => ({ limit, windowSeconds: windowMs / 1_000 })),
    defaultZone,
    encodeCommand: encode,
    encodeStatus: encode,
    publish: broker.publish,
    deadLetter: (topic, { key, value, headers }) => ({ topic, key, value, headers }),
    topics,
    sha256,
    sha1,
    now: clock.now,
    observe: () => {},
  }
}

function startSender(
  { channel, lane }: { channel: Channel; lane: Lane },
  { clock, broker, accepts }: Parts,
  { pool, calls }: { pool: Pool; calls: ProviderCall[] },
): (commands: readonly Command[]) => Promise<void> {
  const call = ({ deliveryId, address }: OutgoingMessage): Outcome => {
    const isAccepted = accepts()
    calls.push({ deliveryId, channel, address, lane, at: clock.now(), isAccepted })
    if (!isAccepted) return { kind: 'rejected', reason: 'refused' }
    return { kind: 'accepted', providerMessageId: `message-${calls.length}` }
  }
  const ports: SenderPorts = {
    reader: { decode: async (values) => values.map((value) => ({ kind: 'command', command: decode(value) })) },
    rows: createDeliveries(pool),
    renderer: {
      prepare: async () => {},
      render: () => ({ kind: 'rendered', message: { kind: 'sms', body: 'x', segments: 1 } }),
    },
    pause: { paused: () => false, lifted: async () => {} },
    provider: {
      name: 'stand-in',
      channel,
      maxBatch: 1,
      close: async () => {},
      send: async (batch) => batch.map(call),
    },
    publish: broker.publish,
    deadLetter: (topic, { key, value, headers }) => ({ topic, key, value, headers }),
    encodeStatus: encode,
    encodeFeedback: encode,
    topics,
    hashAddress: (of, address) => hashAddress(requestChannelOf(of), address),
    sha1,
    sha256,
    now: clock.now,
    // The monotonic clock stands: nothing takes time here.
    monotonicNow: () => 0,
    sleep: async () => {},
    observe: (observation) => {
      if (observation.kind === 'unavailable') throw observation.fault
    },
  }
  const sender = createSender(
    { channel, lane, concurrency: () => 1_000_000, leaseMs: 30_000, callBudgetMs: 10_000, owner: randomUUID() },
    ports,
  )
  return async (commands) => {
    await sender.admit(commands.length, new AbortController().signal)
    await sender.handle(
      commands.map(({ record }) => record),
      () => {},
    )
  }
}
