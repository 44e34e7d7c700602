/**
 * What a row works with: a Fanfare of its own on the shared world (database, topics, schemas, providers, roles as
 * processes), a load, and the record of what is done to it.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel, type Admin } from 'kafkajs'
import { Client } from 'pg'
import { startSimulator, type Simulator } from '../../../src/local/simulator/simulator.ts'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Schedule } from '../checker/observations.ts'
import { withAdmin } from './brokers.ts'
import { insertCatalogue } from './catalogue.ts'
import { startLoad, type Load } from './load.ts'
import { superviseRole, type RoleSpec, type SupervisedRole } from './supervised-role.ts'
import { throughProxy, type World } from './world.ts'

export interface Bench {
  readonly random: () => number
  /** How many events the row shall publish. */
  readonly events: number
  /** How long a fault that lasts shall last. */
  readonly faultMs: number
  /** Unix ms: when its roles began to start; clocks that are put wrong go by it. */
  readonly openedAtMs: number
  readonly world: World
  readonly simulator: Simulator
  readonly load: Load
  readonly topicPrefix: string
  /** The database, past the proxy. */
  readonly postgresUrl: string
  /** What the run may show because of what was done to it; rows write it as they go. */
  readonly schedule: { -readonly [Key in keyof Schedule]: Schedule[Key] }
  /** The groups that have to settle what lies on their topics. */
  readonly consumed: readonly { group: string; topics: readonly string[] }[]
  role(name: string): SupervisedRole
  roles(): readonly SupervisedRole[]
  /** Another member of a role's group, not yet started. */
  add(spec: RoleSpec): SupervisedRole
  /** Kills a role and writes down what was in flight; it stays down until it is started. */
  kill(name: string): Promise<void>
  /**
   * Stops a role where it stands and writes down what was in flight, as for a kill: to everybody else it is dead. It
   * holds all of it until it is thawed.
   */
  freeze(name: string): Promise<void>
  /** Runs `fanfare <arguments>` to its end, as an operator does. @returns what it printed. Rejects where it fails. */
  command(...parts: readonly string[]): Promise<string>
  /** Plain SQL, past the proxy; nothing while the database is away. */
  query<Row>(text: string): Promise<Row[]>
  /** Records that a group has not settled, or of all groups together. */
  lag(group?: string): Promise<number>
  /**
   * Waits until everything has come to rest; false where that takes longer, or where earlier waits in vain have used up
   * the run's patience. What is not at rest the checker finds.
   */
  untilSettled(limitMs: number): Promise<boolean>
  close(): Promise<void>
}

export interface BenchOptions {
  world: World
  /** Those whose clocks are put wrong need to know when they start. */
  roles: readonly RoleSpec[] | ((openedAtMs: number) => readonly RoleSpec[])
  random: () => number
  events: number
  faultMs: number
  /** What all waits for everything to come to rest may take together that are in vain. */
  patienceMs: number
  /** Where src/main.ts lies. */
  projectFolder: string
  /** For the logs of the roles. */
  folder: string
}

/** The least that the configuration takes: a killed member's partitions are handed on after this. */
const sessionTimeoutMs = 6_000
/**
 * Long, for a machine that stands still for a moment must not look like an answer that was lost. Rows whose providers
 * are the fault, or whose leases end soon, choose a shorter one.
 */
const providerTimeoutMs = 15_000
const settlePollMs = 250
/** Nothing must be under way in so many looks one after the other: a record may hop past one look. */
const restingLooks = 3

const run = promisify(execFile)

export async function openBench(options: BenchOptions): Promise<Bench> {
  const opened = new AsyncDisposableStack()
  try {
    return await open(options, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

async function open(options: BenchOptions, opened: AsyncDisposableStack): Promise<Bench> {
  const { world, random, folder, projectFolder } = options
  const { stack, proxies } = world
  mkdirSync(folder, { recursive: true })
  const name = `faults_${randomBytes(4).toString('hex')}`
  const topicPrefix = `${name.replace('_', '-')}.`
  const postgresUrl = await createDatabase(stack.postgres.url, name)
  const simulator = await startSimulator({ random })
  opened.defer(() => simulator.stop())
  const direct = {
    FANFARE_KAFKA_BROKERS: stack.kafka.brokers.join(','),
    FANFARE_TOPIC_PREFIX: topicPrefix,
    FANFARE_REGISTRY_URL: stack.registry.url,
    FANFARE_POSTGRES_URL: postgresUrl,
  }
  await prepare(projectFolder, direct, world.brokerCount)
  const database = databaseOf(postgresUrl)
  await database.with(insertCatalogue)
  const admin = await connectAdmin(stack.kafka.brokers, opened)
  const load = await startLoad({
    brokers: stack.kafka.brokers,
    registryUrl: stack.registry.url,
    topicPrefix,
    random,
  })
  opened.defer(() => load.close())
  opened.defer(() => deleteTopics(stack.kafka.brokers, topicPrefix))
  const environment = {
    ...direct,
    ...simulator.environment,
    FANFARE_KAFKA_BROKERS: proxies.kafka.map(({ port }) => `127.0.0.1:${port}`).join(','),
    FANFARE_REGISTRY_URL: throughProxy(stack.registry.url, proxies.registry),
    FANFARE_POSTGRES_URL: throughProxy(postgresUrl, proxies.postgres),
    FANFARE_REDIS_URL: throughProxy(stack.redis.url, proxies.redis),
    FANFARE_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
    FANFARE_ADDRESS_HASH_KEY: randomBytes(32).toString('hex'),
    FANFARE_APNS_TIMEOUT_MS: String(providerTimeoutMs),
    FANFARE_TWILIO_TIMEOUT_MS: String(providerTimeoutMs),
    FANFARE_SENDGRID_TIMEOUT_MS: String(providerTimeoutMs),
  }
  const roles = new Map<string, SupervisedRole>()
  opened.defer(async () => {
    await Promise.all([...roles.values()].filter((role) => role.isRunning()).map((role) => role.kill()))
  })
  const openedAtMs = Date.now()
  const specs = typeof options.roles === 'function' ? options.roles(openedAtMs) : options.roles
  const consumed = groupsOf(specs, topicPrefix)
  const lag = (group?: string) =>
    lagOf(admin, group === undefined ? consumed : consumed.filter((each) => each.group === `${topicPrefix}${group}`))

  let { patienceMs } = options

  const bench: Bench = {
    ...options,
    openedAtMs,
    simulator,
    load,
    topicPrefix,
    postgresUrl,
    schedule: {
      endedAtMs: 0,
      kills: [],
      lostAnswers: 0,
      answerTimeoutMs: providerTimeoutMs,
      skewAllowedMs: 0,
      expiryGraceMs: 5_000,
      expectedDeadLetters: [],
      redriven: false,
      rewindsAtMs: [],
      userCaps: [],
      capsAway: [],
      sendLagMs: 0,
      pauses: [],
    },
    consumed,
    role: (wanted) => {
      const role = roles.get(wanted)
      if (role === undefined) throw new Error(`there is no role ${wanted}`)
      return role
    },
    roles: () => [...roles.values()],
    add: (spec) => {
      const role = superviseRole(spec, { projectFolder, environment, logFolder: folder, crashed: writeDown })
      roles.set(spec.name, role)
      return role
    },
    kill: async (wanted) => {
      await bench.role(wanted).kill()
      await writeDown(wanted)
    },
    freeze: async (wanted) => {
      bench.role(wanted).freeze()
      await writeDown(wanted)
    },
    command: (...parts) => runCommand(projectFolder, parts, direct),
    query: database.query,
    lag,
    untilSettled: async (limitMs) => {
      let resting = 0
      const look = async () => {
        const isReported = simulator.webhooks.summary().pending === 0
        const isAtRest = isReported && (await lag()) === 0 && (await openWork(database)) === 0
        resting = isAtRest ? resting + 1 : 0
        return resting >= restingLooks
      }
      const timeoutMs = Math.min(limitMs, patienceMs)
      const { met } = await waitUntil(look, { timeoutMs, intervalMs: settlePollMs })
      if (!met) patienceMs -= timeoutMs
      return met
    },
    close: () => opened.disposeAsync(),
  }
  /** After the fact: what was settled before it is not in flight. */
  async function writeDown(role: string): Promise<void> {
    const atMs = Date.now()
    const inFlight = await claimedBy(role, database)
    bench.schedule.kills = [...bench.schedule.kills, { role, atMs, inFlight }]
  }

  const started = specs.map((spec) => bench.add(spec))
  await Promise.all(started.map((role) => role.start()))
  return bench
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await databaseOf(serverUrl).query(`create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** A cluster that has just been made whole again may take its time. */
const preparationTries = 3

/** The commands that an operator runs, side by side; they may be run again. */
async function prepare(projectFolder: string, environment: Record<string, string>, brokerCount: number): Promise<void> {
  const commands = [
    ['migrate'],
    ['topics', 'apply', ...(brokerCount === 1 ? ['--replicas', '1'] : [])],
    ['schemas', 'register'],
  ]
  const untilItWorks = async (command: readonly string[], triesLeft = preparationTries - 1): Promise<unknown> =>
    runCommand(projectFolder, command, environment).catch((error: unknown) => {
      if (triesLeft === 0) throw error
      return untilItWorks(command, triesLeft - 1)
    })
  await Promise.all(commands.map((command) => untilItWorks(command)))
}

async function runCommand(
  projectFolder: string,
  parts: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await run(process.execPath, [join(projectFolder, 'src/main.ts'), ...parts], {
    cwd: projectFolder,
    env: { ...process.env, ...environment },
  })
  return stdout
}

interface Database {
  query<Row>(text: string): Promise<Row[]>
  with(work: (client: Client) => Promise<void>): Promise<void>
}

/** A connection for each use: the server behind it is killed now and then. */
function databaseOf(url: string): Database {
  async function connected<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  return {
    query: <Row>(text: string) => connected(async (client) => (await client.query(text)).rows as Row[]),
    with: connected,
  }
}

const deletionLimitMs = 10_000

/** Else the brokers of a long matrix carry every row's partitions. What cannot be deleted stays: the row is over. */
async function deleteTopics(brokers: readonly string[], topicPrefix: string): Promise<void> {
  const deleted = withAdmin(brokers, async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(topicPrefix))
    await admin.deleteTopics({ topics })
  })
  await Promise.race([deleted.catch(() => {}), wait(deletionLimitMs, undefined, { ref: false })])
}

async function connectAdmin(brokers: readonly string[], opened: AsyncDisposableStack): Promise<Admin> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'faults-bench', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  opened.defer(() => admin.disconnect())
  return admin
}

/**
 * What a sender's death may duplicate: everything of its channel that is claimed. What an earlier death left behind is
 * not counted again: its lease has ended. A router has nothing in flight.
 */
async function claimedBy(role: string, { query }: Database): Promise<number> {
  const channel = /^sender-(\w+)/.exec(role)?.[1]
  if (channel === undefined) return 0
  const [row] = await query<{ count: number }>(
    `select count(*)::integer as count from deliveries
     where state = 'claimed' and channel = '${channel}' and lease_until > now()`,
  )
  return row?.count ?? 0
}

/** Deliveries without an end, and notifications that wait for their time. */
async function openWork({ query }: Database): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select (select count(*) from deliveries where state in ('routed', 'claimed', 'retrying'))::integer
       + (select count(*) from scheduled_notifications)::integer as count`,
  )
  return row?.count ?? 0
}

/** A role's group and topics follow from its command; members of the same group count once. */
function groupsOf(roles: readonly RoleSpec[], prefix: string): Bench['consumed'] {
  const groups = new Map<string, readonly string[]>()
  for (const { command } of roles) {
    const [role = ''] = command
    const lane = optionOf(command, '--lane')
    const channel = optionOf(command, '--channel')
    // They consume rows, and what comes by HTTP.
    if (role === 'scheduler' || role === 'edge') continue
    const words = [role, channel, lane].filter((word) => word !== undefined)
    const group = [`${prefix}fanfare`, ...words].join('.')
    groups.set(group, topicsOf(role, prefix, channel, lane))
  }
  return [...groups].map(([group, topics]) => ({ group, topics }))
}

function topicsOf(role: string, prefix: string, channel: string | undefined, lane: string | undefined): string[] {
  if (role === 'router') return [`${prefix}notifications.requested.${lane}`]
  if (role === 'sender') return [`${prefix}notifications.${channel}.${lane}`]
  if (role === 'retry') return ['10s', '1m', '10m', '1h'].map((rung) => `${prefix}notifications.retry.${lane}.${rung}`)
  if (role === 'feedback') return [`${prefix}notifications.provider-feedback`]
  throw new Error(`what does the role ${role} consume?`)
}

function optionOf(command: readonly string[], flag: string): string | undefined {
  const at = command.indexOf(flag)
  return at === -1 ? undefined : command[at + 1]
}

async function lagOf(admin: Admin, consumed: Bench['consumed']): Promise<number> {
  let lag = 0
  for (const { group, topics } of consumed) {
    const committed = await admin.fetchOffsets({ groupId: group, topics: [...topics] })
    // One at a time: kafkajs mixes up what several brokers answer side by side about several topics.
    for (const topic of topics) {
      const offsets = committed.find((each) => each.topic === topic)?.partitions ?? []
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        const offset = offsets.find((each) => each.partition === partition)?.offset ?? '0'
        lag += Math.max(0, Number(high) - Math.max(0, Number(offset)))
      }
    }
  }
  return lag
}
