/**
 * Leaders move under load although every broker lives, as when an operator empties a broker: partitions that are
 * consumed and written, and those that hold the groups' offsets.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { partitionsOf, putBack, takeOut, untilInSync } from '../supervisor/brokers.ts'
import { inAnyOrder } from './broker-kill.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { flowsAgain, idleProcesses } from './flow.ts'

const brokers = [1, 2, 3]
const offsetsTopic = '__consumer_offsets'

export const leaderMoves: FaultRow = {
  name: 'leader-moves',
  fault: 'Leaders move from broker to broker (3 brokers)',
  brokerCount: 3,
  run: async (bench) => {
    const complaints: string[] = []
    for (const broker of inAnyOrder(brokers, bench.random)) complaints.push(...(await moveAway(bench, broker)))
    await bench.load.publish(Math.max(0, bench.events - bench.load.published()))
    return [...complaints, ...(await idleProcesses(bench)), ...unplannedEnds(bench)]
  },
}

async function moveAway(bench: Bench, broker: number): Promise<string[]> {
  const { world, load, random, faultMs, events } = bench
  const addresses = world.stack.kafka.brokers
  const spanMs = faultMs / brokers.length
  const underLoad = load.spread(Math.floor(events / (brokers.length + 1)), spanMs)
  await wait((random() * spanMs) / 2)
  const led = (await partitionsOf(addresses)).filter((each) => each.leader === broker && isOurs(bench, each.topic))
  const movedMs = performance.now()
  await takeOut(broker, led, addresses)
  const complaints = await flowsAgain(bench, `${led.length} leaders moved from broker ${broker}`, movedMs)
  await underLoad
  await putBack(broker, led, addresses)
  await untilInSync(world.stack)
  return led.length > 0 ? complaints : [...complaints, `broker ${broker} led nothing: the row shows nothing`]
}

function isOurs({ topicPrefix }: Bench, topic: string): boolean {
  return topic === offsetsTopic || topic.startsWith(topicPrefix)
}
