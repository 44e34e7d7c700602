/**
 * The process's metrics registry: prom-client's default process metrics and the build, under the prefix `fanfare_`.
 *
 * The metrics of one concept live in a file of their own beside this one and are created once per process on this
 * registry. Labels hold closed words of ours, topic and group names: never an id, an address or anything a request says.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

export interface RegistryOptions {
  role: string
  /** Fanfare's version, as package.json says. */
  version: string
}

/** A fresh registry; nothing is kept in prom-client's global one, so two may live in one process. */
export function createRegistry({ role, version }: RegistryOptions): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'fanfare_' })
  new Gauge({
    name: 'fanfare_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['role', 'version', 'node_version'],
    registers: [registry],
  }).set({ role, version, node_version: process.version }, 1)
  return registry
}
