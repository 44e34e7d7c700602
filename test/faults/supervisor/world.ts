/**
 * The stack that all rows of one kind share, with a fault proxy before each of its parts. Roles know only the proxies;
 * the harness and the checker go past them.
 */
import { join } from 'node:path'
import { startStack, type Stack } from '../../../src/local/stack/stack.ts'
import { startTcpProxy, type TcpProxy } from '../proxy/tcp-proxy.ts'
import { repairBrokers } from './brokers.ts'
import { seededRandom } from './seeded-random.ts'

export interface World {
  readonly stack: Stack
  readonly brokerCount: 1 | 3
  readonly proxies: {
    /** One for each broker, in order. */
    kafka: readonly TcpProxy[]
    registry: TcpProxy
    postgres: TcpProxy
    redis: TcpProxy
  }
  /** Ends every fault, and brings back every part that was killed or stopped: rows begin on a whole world. */
  repair(): Promise<void>
  stop(): Promise<void>
}

const jitterSeed = 20_261_122

/** @param directory for the stack's data, logs and downloads. */
export async function startWorld({
  brokerCount,
  directory,
}: {
  brokerCount: 1 | 3
  directory: string
}): Promise<World> {
  const random = seededRandom(jitterSeed)
  const start = () => startTcpProxy({ random })
  const kafka = await Promise.all(Array.from({ length: brokerCount }, start))
  const [registry, postgres, redis] = await Promise.all([start(), start(), start()])
  const all = [...kafka, registry, postgres, redis]
  const closeProxies = async () => {
    await Promise.all(all.map((proxy) => proxy.close()))
  }
  let stack: Stack
  try {
    stack = await startStack({
      directory,
      environment: process.env,
      mayInstall: true,
      kafka: { brokerCount, advertisedPorts: kafka.map(({ port }) => port) },
    })
  } catch (error) {
    await closeProxies()
    throw error
  }
  for (const [index, address] of stack.kafka.behindProxies.entries()) kafka[index]?.aim(targetOf(`tcp://${address}`))
  registry.aim(targetOf(stack.registry.url))
  postgres.aim(targetOf(stack.postgres.url))
  redis.aim(targetOf(stack.redis.url))
  return {
    stack,
    brokerCount,
    proxies: { kafka, registry, postgres, redis },
    repair: async () => {
      for (const proxy of all) {
        await proxy.heal()
        proxy.slow({})
      }
      for (const part of ['kafka', 'registry', 'postgres', 'redis'] as const) await stack.kill(part, 'SIGCONT')
      for (const part of ['postgres', 'redis'] as const) if (!stack.isRunning(part)) await stack.restart(part)
      await repairBrokers(stack, brokerCount)
    },
    stop: async () => {
      await closeProxies()
      await stack.stop()
    },
  }
}

export const localFolder = join(import.meta.dirname, '../../../.fanfare')

/** The same URL on another port of this machine. */
export function throughProxy(url: string, { port }: TcpProxy): string {
  const proxied = new URL(url)
  proxied.host = `127.0.0.1:${port}`
  // A URL without a path gains a slash that some clients take for part of it.
  return url.endsWith('/') ? proxied.href : proxied.href.replace(/\/$/, '')
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
