/**
 * Every event three times: at once, as a client library repeats it, and once more later, as a job that was run again
 * does.
 */
import type { Message } from 'kafkajs'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

const rounds = 6

export const upstreamDuplicates: FaultRow = {
  name: 'upstream-duplicates',
  fault: 'Upstream duplicates ×3',
  run: async (bench) => {
    const { load, events } = bench
    let earlier: Message[] = []
    for (let round = 0; round < rounds; round += 1) {
      const count = round === rounds - 1 ? events - load.published() : Math.floor(events / rounds)
      const fresh = Array.from({ length: count }, () => load.message())
      await load.publishEvents(fresh)
      await load.publishRaw([...fresh, ...earlier])
      earlier = fresh
      // Half of the rounds copy what is on its way, the other half what has arrived.
      if (round % 2 === 0) await bench.untilSettled(30_000)
    }
    await load.publishRaw(earlier)
    await bench.untilSettled(30_000)
    const [repeated] = await bench.query<{ count: number }>(
      `select count(*)::integer as count from deliveries where hop > 1`,
    )
    const again = repeated?.count ?? 0
    return [...(again > 0 ? [`${again} deliveries were sent on a second hop`] : []), ...unplannedEnds(bench)]
  },
}
