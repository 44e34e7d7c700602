/**
 * A broker that hangs: it takes connections and requests and answers nothing. The cluster gives its partitions to others
 * when its session ends; whoever goes on asking it waits for ever. Later it goes on where it stood.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { flowsAgain, idleProcesses } from './flow.ts'

export const brokerFrozen: FaultRow = {
  name: 'broker-frozen',
  fault: 'Broker SIGSTOP past its session, then SIGCONT (3 brokers)',
  brokerCount: 3,
  run: async (bench) => {
    const broker = 1 + Math.floor(bench.random() * bench.world.brokerCount)
    const complaints = await freezeOne(bench, broker)
    const thawedMs = performance.now()
    complaints.push(...(await flowsAgain(bench, `broker ${broker} thawed`, thawedMs)))
    await bench.load.publish(Math.max(0, bench.events - bench.load.published()))
    return [...complaints, ...(await idleProcesses(bench)), ...unplannedEnds(bench)]
  },
}

async function freezeOne(bench: Bench, broker: number): Promise<string[]> {
  const { world, load, faultMs, events } = bench
  const underLoad = load.spread(Math.floor(events / 2), faultMs)
  await wait((bench.random() * faultMs) / 2)
  await world.stack.kill('kafka', 'SIGSTOP', { broker })
  const frozenMs = performance.now()
  try {
    const complaints = await flowsAgain(bench, `broker ${broker} frozen`, frozenMs)
    await underLoad
    return complaints
  } finally {
    await world.stack.kill('kafka', 'SIGCONT', { broker })
  }
}
