/**
 * Where a bench runs: the stack that FANFARE_* variables name, or one of its own; on it a Fanfare with a database,
 * topics and schemas that nobody else uses, made by the commands that an operator runs. Gone with the bench.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import { Client } from 'pg'
import { topicNames, type TopicNames } from '../src/domain/topic-names.ts'
import { createKafka, type KafkaConnection } from '../src/kafka/connection.ts'
import { startStack } from '../src/local/stack/stack.ts'

export interface World {
  readonly kafka: KafkaConnection
  readonly admin: Admin
  readonly registryUrl: string
  /** The database of this bench. */
  readonly database: Client
  readonly redis: Redis
  readonly topics: TopicNames
  /** Of topics, groups and keys. */
  readonly prefix: string
  /** The variables of a role that runs here. */
  readonly environment: Readonly<Record<string, string>>
  /** Main processes by the part that they belong to; empty where the stack is somebody else's. */
  processIds(): Readonly<Record<string, number>>
  /** Forgets every key of this bench in Redis that begins so. */
  forget(keys: string): Promise<void>
  close(): Promise<void>
}

export const projectFolder = join(import.meta.dirname, '..')
const localFolder = join(projectFolder, '.fanfare')

const run = promisify(execFile)

export async function openWorld(): Promise<World> {
  const opened = new AsyncDisposableStack()
  try {
    return await open(opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

interface Parts {
  environment: Readonly<Record<string, string>>
  processIds(): Readonly<Record<string, number>>
}

const partVariables = ['FANFARE_KAFKA_BROKERS', 'FANFARE_REGISTRY_URL', 'FANFARE_POSTGRES_URL', 'FANFARE_REDIS_URL']

async function openParts(opened: AsyncDisposableStack): Promise<Parts> {
  const given = partVariables.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  if (given.length === partVariables.length) return { environment: Object.fromEntries(given), processIds: () => ({}) }
  const stack = await startStack({ directory: localFolder, environment: process.env, mayInstall: true })
  opened.defer(() => stack.stop())
  return { environment: stack.environment, processIds: () => stack.processIds() }
}

async function open(opened: AsyncDisposableStack): Promise<World> {
  const { environment: parts, processIds } = await openParts(opened)
  const name = `bench_${randomBytes(4).toString('hex')}`
  const prefix = `${name.replace('_', '-')}.`
  const url = await createDatabase(parts['FANFARE_POSTGRES_URL'] ?? '', name, opened)
  const environment = { ...parts, FANFARE_POSTGRES_URL: url, FANFARE_TOPIC_PREFIX: prefix }
  await prepare(environment)
  const database = new Client({ connectionString: url })
  await database.connect()
  opened.defer(() => database.end())
  const redis = new Redis(parts['FANFARE_REDIS_URL'] ?? '')
  opened.defer(() => redis.disconnect())
  const forget = (keys: string) => forgetKeys(redis, `${prefix}${keys}`)
  opened.defer(() => forget(''))
  const kafka: KafkaConnection = {
    brokers: (parts['FANFARE_KAFKA_BROKERS'] ?? '').split(','),
    clientId: 'fanfare-bench',
    log: () => {},
  }
  const admin = createKafka(kafka).admin()
  await admin.connect()
  opened.defer(() => admin.disconnect())
  opened.defer(async () => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix))
    await admin.deleteTopics({ topics })
  })
  return {
    kafka,
    admin,
    registryUrl: parts['FANFARE_REGISTRY_URL'] ?? '',
    database,
    redis,
    topics: topicNames(prefix),
    prefix,
    environment,
    processIds,
    forget,
    close: () => opened.disposeAsync(),
  }
}

async function createDatabase(serverUrl: string, name: string, opened: AsyncDisposableStack): Promise<string> {
  const onServer = async (statement: string) => {
    const server = new Client({ connectionString: serverUrl })
    await server.connect()
    try {
      await server.query(statement)
    } finally {
      await server.end()
    }
  }
  await onServer(`create database ${name}`)
  opened.defer(() => onServer(`drop database ${name}`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

async function prepare(environment: Readonly<Record<string, string>>): Promise<void> {
  const commands = [['migrate'], ['topics', 'apply', '--replicas', '1'], ['schemas', 'register']]
  await Promise.all(
    commands.map((command) =>
      run(process.execPath, ['src/main.ts', ...command], {
        cwd: projectFolder,
        env: { ...process.env, ...environment },
      }),
    ),
  )
}

const keysPerScan = 5_000

async function forgetKeys(redis: Redis, beginning: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${beginning}*`, count: keysPerScan })) {
    const found = keys as string[]
    if (found.length > 0) await redis.unlink(found)
  }
}
