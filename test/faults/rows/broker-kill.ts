/**
 * `kill -9` of one broker of three after the other under load: its partitions get other leaders, its groups other
 * coordinators, and it comes back with what it had.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { untilInSync } from '../supervisor/brokers.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { flowsAgain, idleProcesses } from './flow.ts'

const brokers = [1, 2, 3]

export const brokerKill: FaultRow = {
  name: 'broker-kill',
  fault: 'Broker kill -9 and restart (3 brokers)',
  brokerCount: 3,
  run: async (bench) => {
    const complaints: string[] = []
    for (const broker of inAnyOrder(brokers, bench.random)) complaints.push(...(await killOne(bench, broker)))
    await bench.load.publish(Math.max(0, bench.events - bench.load.published()))
    return [...complaints, ...(await idleProcesses(bench)), ...unplannedEnds(bench)]
  },
}

async function killOne(bench: Bench, broker: number): Promise<string[]> {
  const { world, load, random, faultMs, events, schedule } = bench
  const spanMs = faultMs / brokers.length
  const underLoad = load.spread(Math.floor(events / (brokers.length + 1)), spanMs)
  await wait((random() * spanMs) / 2)
  await world.stack.kill('kafka', 'SIGKILL', { broker })
  const killedMs = performance.now()
  schedule.kills = [...schedule.kills, { role: `broker-${broker}`, atMs: Date.now(), inFlight: 0 }]
  const complaints = await flowsAgain(bench, `broker ${broker} killed`, killedMs)
  await underLoad
  await world.stack.restart('kafka', { broker })
  // The next to die must not take the only current replica with it: that would be another fault.
  await untilInSync(world.stack)
  return complaints
}

export function inAnyOrder<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item)
}
