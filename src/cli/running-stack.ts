/**
 * A stack that somebody else runs: the containers of docker-compose.yml, or whatever the environment names.
 */
import { connect } from 'node:net'
import { readConfiguration } from '../config.ts'
import type { Environment } from '../configuration/environment.ts'
import { dockerStackCommand, dockerStackEnvironment } from '../local/stack/docker-stack.ts'

export interface RunningStack {
  kafka: { brokers: string[] }
  registry: { url: string }
  postgres: { url: string }
  redis: { url: string }
  /** The same as Fanfare's variables. */
  environment: Readonly<Record<string, string>>
}

const addressVariables = [
  'FANFARE_KAFKA_BROKERS',
  'FANFARE_REGISTRY_URL',
  'FANFARE_POSTGRES_URL',
  'FANFARE_REDIS_URL',
] as const

const reachLimitMs = 3_000

/**
 * Finds it, and knocks at each of its doors.
 * @throws ConfigurationError where `external` lacks an address, and an Error that says what to do where nobody answers.
 */
export async function findRunningStack(kind: 'docker' | 'external', environment: Environment): Promise<RunningStack> {
  const given = kind === 'docker' ? { ...environment, ...dockerStackEnvironment(environment) } : environment
  const { kafka, registry, postgres, redis } = readConfiguration(given, ['kafka', 'registry', 'postgres', 'redis'])
  const registryUrl = given['FANFARE_REGISTRY_URL'] ?? registry.service.url
  const [broker = ''] = kafka.brokers
  const places = [`tcp://${broker}`, registryUrl, postgres.url, redis.url]
  const silent = (await Promise.all(places.map(async (url, index) => ((await answers(url)) ? [] : [index])))).flat()
  if (silent.length > 0) {
    const names = silent.map((index) => addressVariables[index]).join(', ')
    const advice = kind === 'docker' ? `; start it with: ${dockerStackCommand}` : ''
    throw new Error(`nobody answers at the address of ${names}${advice}`)
  }
  return {
    kafka,
    registry: { url: registryUrl },
    postgres,
    redis,
    environment: Object.fromEntries(addressVariables.map((name) => [name, given[name] ?? ''])),
  }
}

const portsByDefault: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'rediss:': 6379,
}

function answers(url: string): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: port === '' ? (portsByDefault[protocol] ?? 0) : Number(port) })
    const end = (reached: boolean) => {
      socket.destroy()
      resolve(reached)
    }
    socket.setTimeout(reachLimitMs, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
