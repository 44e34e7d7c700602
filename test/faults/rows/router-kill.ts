/**
 * SIGKILL of routers in the middle of their chunks.
 *
 * Two routers share the lane and die together: the group waits for a dead member's session anyway, so two at a time cost
 * no more than one. The database is slowed, so that a chunk takes long enough for the moment to fall inside it.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { anotherOf, bulkRoles, type FaultRow } from './fault-row.ts'

const volleys = 10
const routers = ['router', 'router-2']
/** Of the database, each way; some ten round trips make a chunk. */
const slowLine = { latencyMs: 8, jitterMs: 8 }
/** A volley's events are worked within about this time. */
const chunkSpanMs = 300

export const routerKill: FaultRow = {
  name: 'router-kill',
  fault: `SIGKILL router ×${volleys * routers.length} mid-chunk`,
  roles: [...bulkRoles, anotherOf('router', 'router-2')],
  run: async (bench) => {
    const { events, random, load } = bench
    bench.world.proxies.postgres.slow(slowLine)
    let midChunk = 0
    for (let volley = 0; volley < volleys; volley += 1) {
      await load.publish(Math.floor(events / (volleys + 1)))
      await Promise.all(
        routers.map(async (name) => {
          await wait(random() * chunkSpanMs)
          await bench.kill(name)
        }),
      )
      if ((await bench.lag('fanfare.router.bulk')) > 0) midChunk += 1
      await Promise.all(routers.map((name) => bench.role(name).start()))
    }
    await load.publish(events - load.published())
    const isMeant = midChunk >= volleys / 2
    return isMeant ? [] : [`only ${midChunk} of ${volleys} volleys met the routers at work: the row shows nothing`]
  },
}
