/**
 * SIGKILL of routers that count under caps: between the place in Redis and the record of the decision, between the
 * record and its publication, and wherever a kill happens to meet them. Nobody gets more than a cap allows, nobody is
 * charged twice, and everything that was made to wait is sent in the end.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { cappedEvents, declareCaps, deferrals, rolesBesideRouters, withUserCaps } from './capped-load.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { wired } from './wired-roles.ts'

const volleys = 2
const routers: readonly RoleSpec[] = [
  wired(
    withUserCaps({ name: 'router', command: ['router', '--lane', 'bulk'] }),
    // The place is taken before the record.
    { crashesAt: ['before-record', 'after-record', 'before-record'] },
  ),
  wired(withUserCaps({ name: 'router-2', command: ['router', '--lane', 'bulk'] }), {
    crashesAt: ['before-record', 'after-forward', 'after-record'],
  }),
]
const pointsEach = 3
/** Of the database, each way; some ten round trips make a chunk. */
const slowLine = { latencyMs: 8, jitterMs: 8 }
/** A volley's events are worked within about this time. */
const chunkSpanMs = 300
const publishEveryMs = 250
/** So much of the load comes while routers die at their points, in about so many parts; the rest is for the volleys. */
const crashingShare = 2 / 3
const crashingParts = 100
/** Each time the group waits for the sessions of the dead. */
const crashesLimitMs = 90_000
/** Of a machine that does much else; what a dead router left behind comes later than that. */
const sendLagMs = 2_000
/** The last person's burst takes two windows more, each with its grace. */
const settledWithinMs = 90_000

export const routerKillCapped: FaultRow = {
  name: 'router-kill-capped',
  fault: `SIGKILL router ×${routers.length * (pointsEach + volleys)} under caps`,
  roles: [...routers, ...rolesBesideRouters],
  run: async (bench) => {
    const { events, load, random } = bench
    declareCaps(bench)
    bench.schedule.sendLagMs = sendLagMs
    bench.world.proxies.postgres.slow(slowLine)
    const next = cappedEvents(bench)
    const publish = (count: number) => load.publishEvents(next(Math.min(count, events - load.published())))
    const part = Math.ceil((events * crashingShare) / crashingParts)
    const deadlineMs = performance.now() + crashesLimitMs
    const alive = () => routers.filter(({ name }) => bench.role(name).crashes().length < pointsEach)
    while (alive().length > 0 && performance.now() < deadlineMs) {
      if (load.published() < events * crashingShare) await publish(part)
      await wait(publishEveryMs)
    }
    const complaints = alive().map(({ name }) => `${name} did not die at each of its points`)
    for (const { name } of routers) await bench.role(name).ready()
    for (let volley = 0; volley < volleys; volley += 1) {
      await publish(Math.ceil((events - load.published()) / (volleys + 1 - volley)))
      await Promise.all(
        routers.map(async ({ name }) => {
          await wait(random() * chunkSpanMs)
          await bench.kill(name)
        }),
      )
      await Promise.all(routers.map(({ name }) => bench.role(name).start()))
    }
    await publish(events - load.published())
    await bench.untilSettled(settledWithinMs)
    if ((await deferrals(bench)) === 0) complaints.push('nobody had to wait: the caps were none')
    return [...complaints, ...unplannedEnds(bench)]
  },
}
