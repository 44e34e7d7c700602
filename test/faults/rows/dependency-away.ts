/**
 * A dependency that is down (killed, or refusing) or hangs (takes connections and never answers), for a while, under
 * load. Whatever waits for it waits: nothing is dead-lettered, and everything goes on by itself.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

interface Outage {
  name: string
  fault: string
  begin(bench: Bench): Promise<void>
  end(bench: Bench): Promise<void>
  /** Looked at half-way through the outage, with events published before it and since. */
  halfWay?(bench: Bench): Promise<string[]>
}

function outageRow({ name, fault, begin, end, halfWay }: Outage): FaultRow {
  return {
    name,
    fault,
    run: async (bench) => {
      const third = Math.floor(bench.events / 3)
      await bench.load.spread(third, bench.faultMs / 6)
      await begin(bench)
      const over = wait(bench.faultMs)
      await bench.load.spread(third, bench.faultMs / 3)
      const complaints = (await halfWay?.(bench)) ?? []
      await over
      await end(bench)
      await bench.load.spread(bench.events - bench.load.published(), bench.faultMs / 6)
      return [...complaints, ...unplannedEnds(bench)]
    },
  }
}

/** How long a fall-back may take until work flows again. */
const flowLimitMs = 10_000

/** Whether everything that was published so far is routed although the outage lasts. */
async function flowsOn(bench: Bench): Promise<string[]> {
  const deadlineMs = performance.now() + flowLimitMs
  while (performance.now() < deadlineMs) {
    if ((await bench.lag('fanfare.router.bulk')) === 0) return []
    await wait(100)
  }
  return [`${await bench.lag('fanfare.router.bulk')} events waited ${flowLimitMs} ms although they need not`]
}

/** A lag that did not grow would mean that the fault was none. */
async function waits(bench: Bench): Promise<string[]> {
  return (await bench.lag('fanfare.router.bulk')) > 0 ? [] : ['nothing waited: the fault was none']
}

/** Events in a schema that this registry gave out during the outage: nobody can know it, so they wait. */
async function unknownIdsWait(bench: Bench): Promise<string[]> {
  const complaints = await flowsOn(bench)
  const schemaId = await bench.load.registerVariant()
  await bench.load.publishRaw(Array.from({ length: 12 }, () => bench.load.message({}, schemaId)))
  await wait(1_000)
  return [...complaints, ...(await waits(bench))]
}

export const dependencyRows: readonly FaultRow[] = [
  outageRow({
    name: 'postgres-down',
    fault: 'Postgres down 30 s',
    begin: ({ world }) => world.stack.kill('postgres', 'SIGKILL'),
    end: ({ world }) => world.stack.restart('postgres'),
    halfWay: waits,
  }),
  outageRow({
    name: 'postgres-hung',
    fault: 'Postgres hung 30 s',
    begin: ({ world }) => world.proxies.postgres.break('blackhole'),
    end: ({ world }) => world.proxies.postgres.heal(),
    halfWay: waits,
  }),
  outageRow({
    name: 'redis-down',
    fault: 'Redis down 30 s',
    begin: ({ world }) => world.stack.kill('redis', 'SIGKILL'),
    end: ({ world }) => world.stack.restart('redis'),
    halfWay: flowsOn,
  }),
  outageRow({
    name: 'redis-hung',
    fault: 'Redis hung 30 s',
    begin: ({ world }) => world.proxies.redis.break('blackhole'),
    end: ({ world }) => world.proxies.redis.heal(),
    halfWay: flowsOn,
  }),
  outageRow({
    name: 'registry-down',
    fault: 'Registry down 30 s',
    begin: ({ world }) => world.proxies.registry.break('refuse'),
    end: ({ world }) => world.proxies.registry.heal(),
    halfWay: unknownIdsWait,
  }),
  outageRow({
    name: 'registry-hung',
    fault: 'Registry hung 30 s',
    begin: ({ world }) => world.proxies.registry.break('blackhole'),
    end: ({ world }) => world.proxies.registry.heal(),
    halfWay: unknownIdsWait,
  }),
]
