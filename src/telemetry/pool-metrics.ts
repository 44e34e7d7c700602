/**
 * The connections to Postgres that a process holds, asked of its pools at each scrape. Statements that wait for one mean
 * that FANFARE_POSTGRES_MAX_CONNECTIONS is too small, or that Postgres is slow.
 */
import type { Registry } from 'prom-client'
import { observedGauge } from './observed-gauge.ts'

export interface PoolConnections {
  busy: number
  idle: number
  /** Statements that wait until a connection is free. */
  waiting: number
}

export interface PoolMetrics {
  /** @param pool a closed word of ours: what the connections are for. */
  observe(pool: string, connections: () => PoolConnections): void
}

/** Registers the metrics; once per registry. */
export function createPoolMetrics(registry: Registry): PoolMetrics {
  const pools = new Set<{ pool: string; connections: () => PoolConnections }>()
  observedGauge(registry, {
    name: 'fanfare_postgres_connections',
    help: 'Connections of a pool, by whether they work.',
    labelNames: ['pool', 'state'],
    read: () =>
      [...pools].flatMap(({ pool, connections }) => {
        const { busy, idle } = connections()
        return [[{ pool, state: 'busy' }, busy] as const, [{ pool, state: 'idle' }, idle] as const]
      }),
  })
  observedGauge(registry, {
    name: 'fanfare_postgres_waiting_statements',
    help: 'Statements that wait for a connection of their pool.',
    labelNames: ['pool'],
    read: () => [...pools].map(({ pool, connections }) => [{ pool }, connections().waiting] as const),
  })
  return {
    observe: (pool, connections) => void pools.add({ pool, connections }),
  }
}
