/**
 * SIGKILL of feedback roles under webhooks: at each point between the statuses, the rows and the commit, and wherever a
 * kill happens to meet them. Two share the topic, so the partitions of a dead one go on after its session.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { beginReports, feedbackRole, rolesWithEdge, takenReports } from './reporting-roles.ts'
import { wired } from './wired-roles.ts'
import { crashPointsOf } from '../wiring/crash.ts'

const points = crashPointsOf('feedback')
const kills = 4
const feedbacks = [wired(feedbackRole, { crashesAt: points }), { ...feedbackRole, name: 'feedback-2' }]
/** Of the database, each way; some ten round trips make a chunk. */
const slowLine = { latencyMs: 8, jitterMs: 8 }
const publishEveryMs = 250
/** While a kill may come. */
const chunkSpanMs = 400
const crashesLimitMs = 90_000

export const feedbackKill: FaultRow = {
  name: 'feedback-kill',
  fault: `SIGKILL feedback ×${points.length + kills} under webhooks, at its crash points and anywhere`,
  roles: [...rolesWithEdge, ...feedbacks],
  run: async (bench) => {
    const { events, random, load, simulator } = bench
    await beginReports(bench)
    bench.world.proxies.postgres.slow(slowLine)
    const deadlineMs = performance.now() + crashesLimitMs
    const isThrough = () => bench.role('feedback').crashes().length >= points.length
    const step = Math.max(1, Math.floor(events / 40))
    while (!isThrough() && performance.now() < deadlineMs) {
      if (load.published() < events / 2) await load.publish(step)
      else await load.publish(1)
      await wait(publishEveryMs)
    }
    const complaints = isThrough() ? [] : ['feedback did not die at each of its points']
    let midChunk = 0
    for (let kill = 0; kill < kills; kill += 1) {
      await load.publish(Math.max(1, Math.floor((events - load.published()) / (kills - kill + 1))))
      await wait(random() * chunkSpanMs)
      await bench.kill('feedback-2')
      if (simulator.webhooks.summary().pending > 0 || (await bench.lag('fanfare.feedback')) > 0) midChunk += 1
      await bench.role('feedback-2').start()
    }
    await load.publish(Math.max(0, events - load.published()))
    await simulator.webhooks.idle()
    if (midChunk < kills / 2) complaints.push(`only ${midChunk} of ${kills} kills met reports: the row shows little`)
    if (takenReports(bench) < events / 2) complaints.push(`only ${takenReports(bench)} reports were taken`)
    return [...complaints, ...unplannedEnds(bench)]
  },
}
