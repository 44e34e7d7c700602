/**
 * Webhooks that come twice, late and in any order, to an edge that is killed meanwhile: after Kafka has a batch and
 * before its receipt is kept, a provider sends it again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { beginReports, feedbackRole, rolesWithEdge } from './reporting-roles.ts'

const kills = 3
const disorder = { duplicateShare: 0.4, delay: { kind: 'exponential', meanMs: 400 } } as const

export const webhookDisorder: FaultRow = {
  name: 'webhook-disorder',
  fault: `webhooks duplicated, delayed and reordered; SIGKILL edge ×${kills}`,
  roles: [...rolesWithEdge, feedbackRole],
  run: async (bench) => {
    const { events, faultMs, random, load, simulator } = bench
    await beginReports(bench)
    simulator.webhooks.misbehave(disorder)
    const spread = load.spread(events, faultMs)
    for (let kill = 0; kill < kills; kill += 1) {
      await wait((random() * faultMs) / kills)
      await bench.kill('edge')
      await bench.role('edge').start()
    }
    await spread
    await simulator.webhooks.idle()
    return [...unseenDisorder(bench), ...unplannedEnds(bench)]
  },
}

/** Without duplicates and reordering the row shows nothing. */
function unseenDisorder({ simulator: { webhooks }, events }: Bench): string[] {
  const entries = [...webhooks.ledger.entries()]
  const repeated = entries.filter(({ sent }) => sent > 1).length
  const ofDelivery = Map.groupBy(entries, ({ deliveryId }) => deliveryId ?? '')
  const reordered = [...ofDelivery.values()].filter((story) =>
    story.some(({ event, takenAtMs }) => {
      const delivered = story.find((each) => each.event === 'delivered')?.takenAtMs ?? 0
      return (event === 'open' || event === 'click') && takenAtMs !== null && takenAtMs < delivered
    }),
  ).length
  return [
    ...(repeated < events / 10 ? [`only ${repeated} events were sent twice`] : []),
    ...(reordered === 0 ? ['no event overtook another'] : []),
  ]
}
