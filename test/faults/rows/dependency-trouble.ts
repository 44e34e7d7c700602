/**
 * A dependency in trouble of every kind, one spell after the other under load: connections refused, connections reset,
 * answers that never come (where no other row has it), answers that come late. Whatever needs it waits or goes on
 * without it, as is stated; somebody says so; nothing is dead-lettered, and it flows again by itself after each spell.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { TcpProxy } from '../proxy/tcp-proxy.ts'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { flowsAgain } from './flow.ts'
import { counted, linesTold } from './told.ts'

type Trouble = 'refused' | 'reset' | 'hung'

interface Dependency {
  name: string
  fault: string
  proxies(bench: Bench): readonly TcpProxy[]
  troubles: readonly Trouble[]
  /** Looked at while the trouble lasts, with events published since it began. */
  during(bench: Bench): Promise<string[]>
  /** Looked at while its answers are late; that events are sent is looked at for all. */
  whileSlow?(bench: Bench): Promise<string[]>
  /** Log lines that name it. */
  told: RegExp
  /** What counts it: metric and labels. */
  counted: readonly [metric: string, labels: Readonly<Record<string, string>>]
}

/** Each way: an answer takes more than half a second, and so longer than a cache is waited for. */
const slowLine = { latencyMs: 300, jitterMs: 100 }
/** Longer than a member's session and than a producer waits for an answer. */
const hungMs = 13_000
const proxyModes = { refused: 'refuse', reset: 'reset', hung: 'blackhole' } as const
const flowLimitMs = 30_000
const pollMs = 100

function troubleRow(dependency: Dependency): FaultRow {
  const { name, fault, proxies, troubles } = dependency
  return {
    name,
    fault,
    run: async (bench) => {
      const share = Math.floor(bench.events / (troubles.length + 2))
      await bench.load.spread(share, bench.faultMs / 8)
      const complaints: string[] = []
      for (const trouble of troubles) complaints.push(...(await spell(bench, dependency, trouble, share)))
      for (const proxy of proxies(bench)) proxy.slow(slowLine)
      await bench.load.spread(share, bench.faultMs / 8)
      complaints.push(...(await flowsAgain(bench, `${name}: slow`, performance.now())))
      complaints.push(...((await dependency.whileSlow?.(bench)) ?? []))
      for (const proxy of proxies(bench)) proxy.slow({})
      await bench.load.publish(Math.max(0, bench.events - bench.load.published()))
      const [metric, labels] = dependency.counted
      if ((await counted(bench, metric, labels)) === 0) complaints.push(`${metric} counts nothing`)
      return [...complaints, ...unplannedEnds(bench)]
    },
  }
}

async function spell(bench: Bench, dependency: Dependency, trouble: Trouble, share: number): Promise<string[]> {
  const lastsMs = trouble === 'hung' ? hungMs : bench.faultMs / 4
  const toldBefore = linesTold(bench, dependency.told)
  for (const proxy of dependency.proxies(bench)) await proxy.break(proxyModes[trouble])
  const over = wait(lastsMs)
  await bench.load.spread(share, lastsMs / 2)
  const complaints = await dependency.during(bench)
  await over
  if (linesTold(bench, dependency.told) === toldBefore) complaints.push('nobody says anything about it')
  for (const proxy of dependency.proxies(bench)) await proxy.heal()
  return [...complaints, ...(await flows(bench))].map((complaint) => `${trouble}: ${complaint}`)
}

/** Whether everything that was published so far is routed before long. */
async function flows(bench: Bench): Promise<string[]> {
  const isRouted = async () => (await bench.lag('fanfare.router.bulk')) === 0
  const routed = await waitUntil(isRouted, { timeoutMs: flowLimitMs, intervalMs: pollMs })
  return routed.met ? [] : [`events wait for longer than ${flowLimitMs} ms`]
}

/** A lag that did not grow would mean that the trouble was none. */
async function waits(bench: Bench): Promise<string[]> {
  return (await bench.lag('fanfare.router.bulk')) > 0 ? [] : ['nothing waited']
}

/** Events in a schema that nobody has seen: what was known flows, and these wait for the registry. */
async function unknownIdsWait(bench: Bench): Promise<string[]> {
  const complaints = await flows(bench)
  await publishUnknownIds(bench)
  await wait(unknownIdsMs)
  return [...complaints, ...(await waits(bench))]
}

const unknownIdsMs = 1_000

async function unknownIdsFlow(bench: Bench): Promise<string[]> {
  await publishUnknownIds(bench)
  return flows(bench)
}

async function publishUnknownIds({ load }: Bench): Promise<void> {
  const schemaId = await load.registerVariant()
  await load.publishRaw(Array.from({ length: 12 }, () => load.message({}, schemaId)))
}

const faultsOf = (dependency: string) => ['fanfare_consumer_faults_total', { dependency }] as const

export const troubleRows: readonly FaultRow[] = [
  troubleRow({
    name: 'postgres-trouble',
    fault: 'Postgres refuses, resets, is slow',
    proxies: ({ world }) => [world.proxies.postgres],
    troubles: ['refused', 'reset'],
    during: waits,
    told: /"dependency":"postgres"/,
    counted: faultsOf('postgres'),
  }),
  troubleRow({
    name: 'redis-trouble',
    fault: 'Redis refuses, resets, is slow',
    proxies: ({ world }) => [world.proxies.redis],
    troubles: ['refused', 'reset'],
    during: flows,
    told: /"redis is away"/,
    counted: ['fanfare_profile_cache_failures_total', { operation: 'read' }],
  }),
  troubleRow({
    name: 'registry-trouble',
    fault: 'Registry refuses, resets, is slow',
    proxies: ({ world }) => [world.proxies.registry],
    troubles: ['refused', 'reset'],
    during: unknownIdsWait,
    whileSlow: unknownIdsFlow,
    told: /"dependency":"registry"/,
    counted: faultsOf('registry'),
  }),
  troubleRow({
    name: 'broker-trouble',
    fault: 'The only broker refuses, resets, hangs, is slow',
    proxies: ({ world }) => world.proxies.kafka,
    troubles: ['refused', 'reset', 'hung'],
    during: waits,
    told: /"dependency":"kafka"|"kafkajs /,
    counted: faultsOf('kafka'),
  }),
]
